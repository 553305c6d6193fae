"""Use case of activity: list the actions on a file or folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docstore_analytics.activity.entries import Activity
from docstore_analytics.activity.repository import ActivityRepository
from docstore_contracts.metadata import MetadataClient
from docstore_platform.errors import not_found


@dataclass(frozen=True, slots=True)
class ActivityPage:
    items: list[dict[str, Any]]
    next_before: str | None


class ActivityService:
    """Lists the activity of a file for everyone who may read it; metadata decides who may."""

    def __init__(self, store: ActivityRepository, metadata: MetadataClient) -> None:
        self._store = store
        self._metadata = metadata

    async def page(self, account_id: str, file_id: str, before: str, limit: int) -> ActivityPage:
        """404 for a file that the account may not read, or that is in the trash.

        A reader of a folder sees only activity on files that they may read now, so a page may have fewer or no items
        without being the last.
        """
        file = (await self._metadata.lookup_files(account_id, [file_id])).get(file_id)
        if file is None:
            raise not_found("file")
        is_owner = file["permission"] == "owner"
        found = await self._store.find(file_id, before=before, limit=limit + 1, all_of_it=is_owner)
        shown = found[:limit]
        next_before = shown[-1].id if len(found) > limit else None
        if not is_owner:
            others = sorted({each.file_id for each in shown} - {file_id})
            readable = {file_id, *(await self._metadata.lookup_files(account_id, others) if others else ())}
            shown = [each for each in shown if each.file_id in readable]
        names = await self._store.names(sorted({each.actor_id for each in shown}))
        return ActivityPage([_view(each, names, account_id, is_owner=is_owner) for each in shown], next_before)


def _view(activity: Activity, names: Mapping[str, str], account_id: str, *, is_owner: bool) -> dict[str, Any]:
    actor_id = activity.actor_id
    hidden = {} if is_owner or actor_id == account_id or "device" not in activity.facts else {"device": None}
    return {
        "id": activity.id,
        "at": activity.at,
        "type": activity.what,
        "file_id": activity.file_id,
        "name": activity.name,
        "actor": {"id": actor_id, "name": names.get(actor_id) or None} if actor_id else None,
        **activity.facts,
        **hidden,
        **(activity.owner_facts if is_owner else {}),
    }

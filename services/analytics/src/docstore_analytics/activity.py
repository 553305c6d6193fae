"""What happened to a file or folder, for those who may read it: what events say of that, and who is shown what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

from docstore_events.envelope import Envelope
from docstore_events.files import (
    FileCreated,
    FileDeleted,
    FileEvent,
    FileModified,
    FileMoved,
    FilePurged,
    FileRestored,
    FileTagged,
)
from docstore_events.shares import FileShared, LinkCreated, LinkEvent, LinkRevoked, ShareEvent, ShareRevoked
from docstore_platform.problems import not_found

What = Literal[
    "created",
    "modified",
    "renamed",
    "moved",
    "tagged",
    "deleted",
    "restored",
    "purged",
    "shared",
    "unshared",
    "link_created",
    "link_revoked",
]
BY_EVENT: Mapping[type[FileEvent | ShareEvent | LinkEvent], What] = {
    FileCreated: "created",
    FileModified: "modified",
    FileMoved: "moved",
    FileTagged: "tagged",
    FileDeleted: "deleted",
    FileRestored: "restored",
    FilePurged: "purged",
    FileShared: "shared",
    ShareRevoked: "unshared",
    LinkCreated: "link_created",
    LinkRevoked: "link_revoked",
}
"""Events that are no activity of people are not among them: pruned versions, opened links, derived rights."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that was done, as of then."""

    id: str
    """Of the event: ordered by time."""
    at: datetime
    what: What
    actor_id: str
    file_id: str
    folder_id: str
    """Folder it is in; empty where that is not known."""
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    """For all who may read the file: `version`, `previous_name`, `tags`; for its owner and who did it, `device`."""
    owner_facts: Mapping[str, Any] = field(default_factory=dict)
    """For its owner alone: paths, and with whom it is shared."""
    owner_only: bool = False


def file_activity(envelope: Envelope[FileEvent]) -> Happened | None:
    """What an event of a file says was done; None where that is nothing that anybody did."""
    event = envelope.event
    what = BY_EVENT.get(type(event))
    if what is None:
        return None
    facts: dict[str, Any] = {}
    owner_facts: dict[str, Any] = {}
    if isinstance(event, FileMoved):
        before, now = _split(event.previous_path), _split(event.path)
        if before.name != now.name:
            facts["previous_name"] = before.name
        if before.folder == now.folder:
            what = "renamed"
        else:
            owner_facts = {"from": before.folder, "to": now.folder}
    elif isinstance(event, FileTagged):
        facts["tags"] = list(event.file.tags)
    elif isinstance(event, FileCreated | FileModified) and event.file.kind == "file":
        facts = {"version": event.file.version, "device": event.file.device or None}
    return Happened(
        id=envelope.id,
        at=envelope.time,
        what=what,
        actor_id=event.actor_id,
        file_id=event.file.file_id,
        folder_id=event.file.parent_id,
        name=event.file.name,
        facts=facts,
        owner_facts=owner_facts,
    )


class _Path(NamedTuple):
    folder: str
    name: str


def _split(path: str) -> _Path:
    folder, _, name = path.rpartition("/")
    return _Path(folder or "/", name)


def sharing_activity(envelope: Envelope[ShareEvent] | Envelope[LinkEvent]) -> Happened | None:
    """The same of a share or a link, which is its owner's alone to know."""
    event = envelope.event
    what = BY_EVENT.get(type(event))
    if what is None:
        return None
    actor_id, owner_facts = event.owner_id, dict[str, Any]()
    if isinstance(event, ShareEvent):
        actor_id, owner_facts = event.actor_id, {"email": event.email, "role": event.role}
    return Happened(
        id=envelope.id,
        at=envelope.time,
        what=what,
        actor_id=actor_id,
        file_id=event.file_id,
        folder_id=event.ancestors[-1] if event.ancestors else "",
        name=event.file_name,
        owner_facts=owner_facts,
        owner_only=True,
    )


class Files(Protocol):
    async def readable(self, account_id: str, file_ids: Sequence[str]) -> dict[str, str]:
        """What the account is to those of the files that it may read now and that are not in the trash."""
        ...


class ActivityStore(Protocol):
    async def find(self, file_id: str, *, before: str, limit: int, all_of_it: bool) -> list[Happened]:
        """Of a file, or a folder and what was in it at the time; the latest first. `all_of_it`: what is the owner's
        to know, too."""
        ...

    async def names(self, account_ids: Sequence[str]) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class ActivityPage:
    items: list[dict[str, Any]]
    next_before: str | None


class Activity:
    """Who reads a file reads what was done with it. metadata says who that is."""

    def __init__(self, store: ActivityStore, files: Files) -> None:
        self._store = store
        self._files = files

    async def page(self, account_id: str, file_id: str, before: str, limit: int) -> ActivityPage:
        """404 for a file that the account may not read, or that is in the trash.

        To a reader of a folder what happened in it is shown of those files that they may read now; so a page of theirs
        may have fewer items, or none, and still another after it.
        """
        permission = (await self._files.readable(account_id, [file_id])).get(file_id)
        if permission is None:
            raise not_found("file")
        is_owner = permission == "owner"
        found = await self._store.find(file_id, before=before, limit=limit + 1, all_of_it=is_owner)
        shown = found[:limit]
        next_before = shown[-1].id if len(found) > limit else None
        if not is_owner:
            others = sorted({each.file_id for each in shown} - {file_id})
            readable = {file_id, *(await self._files.readable(account_id, others) if others else ())}
            shown = [each for each in shown if each.file_id in readable]
        names = await self._store.names(sorted({each.actor_id for each in shown}))
        return ActivityPage([_view(each, names, account_id, is_owner=is_owner) for each in shown], next_before)


def _view(happened: Happened, names: Mapping[str, str], account_id: str, *, is_owner: bool) -> dict[str, Any]:
    actor_id = happened.actor_id
    hidden = {} if is_owner or actor_id == account_id or "device" not in happened.facts else {"device": None}
    return {
        "id": happened.id,
        "at": happened.at,
        "type": happened.what,
        "file_id": happened.file_id,
        "name": happened.name,
        "actor": {"id": actor_id, "name": names.get(actor_id) or None} if actor_id else None,
        **happened.facts,
        **hidden,
        **(happened.owner_facts if is_owner else {}),
    }

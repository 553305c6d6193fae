"""Consistency checks of what services store, page by page: the route of each service that has some."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from docstore_contracts.caller import Client
from docstore_contracts.inconsistency import Inconsistency

CheckName = Literal[
    "journals", "files", "versions", "shares", "uploads", "packs", "blocks", "objects", "usage", "index", "previews"
]
ServiceWithChecks = Literal["indexer", "media", "metadata", "quota", "upload"]
CHECKED_BY: dict[CheckName, ServiceWithChecks] = {
    "journals": "metadata",
    "files": "metadata",
    "versions": "metadata",
    "shares": "metadata",
    "uploads": "upload",
    "packs": "upload",
    "blocks": "upload",
    "objects": "upload",
    "usage": "quota",
    "index": "indexer",
    "previews": "media",
}
"""The service of each check, in the order in which they run: first what repairs of the others need."""
MAX_CHECKED = 500
"""Items in one page, each of which may need a request to the object store."""


class CheckRequest(TypedDict):
    check: CheckName
    after: Annotated[str, Field(max_length=1024)]
    """Where the page before ended; empty: from the beginning."""
    limit: Annotated[int, Field(ge=1, le=MAX_CHECKED)]
    repair: bool
    checksums: bool
    """Read the contents, too, and compare them with their hashes."""


class Finding(TypedDict):
    """Something that does not fit together."""

    kind: str
    """What is wrong, such as `object_missing`."""
    id: str
    """What it is wrong with: the id of a file, version, share, account or upload, or the key of an object."""
    account_id: str
    """Its owner; empty if unknown."""
    detail: str
    repaired: bool


class CheckPage(TypedDict):
    checked: int
    unread: int
    """Contents whose bytes were not compared: too large to read at once, or archived."""
    findings: list[Finding]
    next_after: str | None
    """None after the last page."""


class ConsistencyClient(Client):
    async def check_consistency(self, request: CheckRequest) -> CheckPage:
        """Check one page of what the service stores."""
        page: CheckPage = await self._call("POST", "/internal/consistency", request)
        return page


def page_of(
    request: CheckRequest,
    checked: Sequence[str],
    wrong: Sequence[Inconsistency],
    unread: int = 0,
    *,
    is_full: bool | None = None,
) -> CheckPage:
    """Return the page with the ids `checked`. `is_full`: more may follow; None: if there are as many as asked for."""
    more = len(checked) == request["limit"] if is_full is None else is_full
    return {
        "checked": len(checked),
        "unread": unread,
        "findings": [
            {
                "kind": each.kind,
                "id": each.id,
                "account_id": each.account_id,
                "detail": each.detail,
                "repaired": request["repair"] and each.repairable,
            }
            for each in wrong
        ],
        "next_after": checked[-1] if more and checked else None,
    }

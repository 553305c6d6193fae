"""What others share with the client, in the folder `Shares` of its root. A folder of its own of this name hides it."""

from datetime import UTC, datetime
from typing import Any, cast

from docstore_contracts.files import File
from docstore_gateway.dav.protocol.calls import Api
from docstore_platform.errors import Forbidden, NotFound

SHARES = "Shares"
SHARES_ID = "shares"
"""No file has this id."""
PAGE = 1000


async def received(api: Api) -> dict[str, File]:
    """The shared files and folders by their names here: of two with one name, the later share has a number."""
    items: list[Any] = []
    cursor: str | None = None
    while True:
        try:
            page = await api.get("metadata", "/v1/shared-with-me", limit=PAGE, cursor=cursor)
        except Forbidden:  # an API token that is limited to a folder
            return {}
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    named: dict[str, File] = {}
    for item in reversed(items):  # the oldest first, so that a new share gives no other one a new name
        named[_free_name(item["name"], named)] = item
    return named


def _free_name(name: str, taken: dict[str, File]) -> str:
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{stem} ({number}){dot}{ending}"
    return free


async def shares_at(api: Api, path: str) -> File | None:
    """The folder `Shares`, or what a path inside it names; None if the path is elsewhere or names nothing."""
    name, *below = path.split("/")[1:]
    if name != SHARES or await _is_own(api):
        return None
    shared = await received(api)
    if not below:
        return shares_folder() if shared else None
    root = shared.get(below[0])
    if root is None or len(below) == 1:
        return root
    if root["kind"] != "folder":
        return None
    found: File = await api.get("metadata", "/v1/files/by-path", path=f"/{'/'.join(below[1:])}", parent_id=root["id"])
    return found


async def _is_own(api: Api) -> bool:
    try:
        await api.get("metadata", "/v1/files/by-path", path=f"/{SHARES}")
    except NotFound:
        return False
    return True


def shares_folder() -> File:
    """The folder itself, as if it were one: nothing can be created in it, and it can't be changed."""
    began = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    folder = {
        "id": SHARES_ID,
        "kind": "folder",
        "name": SHARES,
        "parent_id": None,
        "size": 0,
        "content_type": None,
        "sha256": None,
        "version": 0,
        "etag": '"0"',
        "owner_id": "",
        "permission": "viewer",
        "can_delete": False,
        "preview": False,
        "created_at": began,
        "modified_at": began,
        "client_modified_at": None,
    }
    return cast("File", folder)

"""Files and folders as WebDAV's resources."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from docstore_contracts.files import File
from docstore_gateway.dav.protocol.calls import Api
from docstore_gateway.dav.protocol.headers import Target
from docstore_gateway.dav.protocol.shares import SHARES, SHARES_ID, received, shares_at, shares_folder
from docstore_platform.errors import Conflict, Forbidden, NotFound

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Resource:
    """A file or folder, and where the client found it."""

    target: Target
    file: File

    @property
    def id(self) -> str:
        return self.file["id"]

    @property
    def is_folder(self) -> bool:
        return self.file["kind"] == "folder"

    @property
    def is_own(self) -> bool:
        """Whether it is in the client's own tree."""
        return self.file["permission"] == "owner"

    @property
    def is_share(self) -> bool:
        """Whether it is the root of a share, not something inside it; or the folder of shares."""
        return not self.is_own and self.file["parent_id"] is None

    @property
    def is_shares_folder(self) -> bool:
        return self.id == SHARES_ID

    @property
    def root(self) -> str:
        """The URL that paths of the API, as the client sees them, are appended to."""
        return self.target.mount if self.is_own else f"{self.target.mount}/{SHARES}"

    def refuse_change(self) -> None:
        """Forbidden for the folder of shares, which exists in this view only."""
        if self.is_shares_folder:
            raise Forbidden(
                "This folder shows what is shared with you: only what is in it can change.", code="read_only"
            )

    @property
    def href(self) -> str:
        """Its URL, without the host: a folder's ends with a slash."""
        href = self.target.href
        return f"{href}/" if self.is_folder and not href.endswith("/") else href

    @property
    def etag(self) -> str:
        """A file's changes with its content alone, as that of a GET must; a folder's with its name and place."""
        file = self.file
        return f'"{file["id"]}.{file["version"]}"' if not self.is_folder else f'"{file["id"]}-{file["etag"][1:]}'

    @property
    def modified_at(self) -> datetime:
        return datetime.fromisoformat(self.file["client_modified_at"] or self.file["modified_at"])


async def find(api: Api, target: Target) -> Resource | None:
    """The resource at a target, if there is one that the client may read."""
    try:
        return await existing(api, target)
    except NotFound:
        return None


async def existing(api: Api, target: Target) -> Resource:
    """The same; NotFound if there is none."""
    try:
        return Resource(target, await api.get("metadata", "/v1/files/by-path", path=target.path))
    except NotFound:
        shared = await shares_at(api, target.path)
        if shared is None:
            raise
        return Resource(target, shared)


async def parent_of(api: Api, target: Target) -> Resource:
    """The folder that a new resource is put into; 409 if it does not exist, as WebDAV requires."""
    parent = await find(api, Target(target.mount, target.parent))
    if parent is None or not parent.is_folder:
        raise Conflict("The folder that it should be in does not exist. Create it first.", code="no_parent_folder")
    parent.refuse_change()
    return parent


async def children(api: Api, folder: Resource) -> AsyncIterator[list[Resource]]:
    """What is in a folder, page by page."""

    def child(name: str, file: File) -> Resource:
        return Resource(Target(folder.target.mount, f"{folder.target.path.removesuffix('/')}/{name}"), file)

    if folder.is_shares_folder:
        yield [child(name, file) for name, file in (await received(api)).items()]
        return
    cursor: str | None = None
    shows_shares = folder.target.is_root
    while True:
        page: Any = await api.get("metadata", "/v1/files", parent_id=folder.id, sort="name", limit=PAGE, cursor=cursor)
        found = [child(file["name"], file) for file in page["items"]]
        shows_shares = shows_shares and SHARES not in {each.target.name for each in found}
        cursor = page["next_cursor"]
        if cursor is None and shows_shares and await received(api):
            found.append(child(SHARES, shares_folder()))
        yield found
        if cursor is None:
            return

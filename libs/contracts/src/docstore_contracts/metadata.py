"""Internal API of metadata."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NotRequired, final
from urllib.parse import quote

from pydantic import AwareDatetime, Field
from typing_extensions import TypedDict

from docstore_contracts.annotations import (
    Annotations,
    AnnotationsRequest,
    AnnotationsResponse,
    Lock,
    LockRefresh,
    LockRelease,
    LockRequest,
    PropertyChange,
    PropertyChanges,
)
from docstore_contracts.caller import MAX_ITEMS, Client, Id, ItemRefused
from docstore_contracts.files import File, FileEntries, FileEntry, Permission

MAX_ACCOUNTS = 10 * MAX_ITEMS


def journal_wakeup(account_id: str) -> str:
    """Return the name to wake, within one process, when an account's journal has a new entry."""
    return f"journal:{account_id}"


class WriteTarget(TypedDict):
    """Target of a new version: by `path`, or by `file_id`."""

    path: NotRequired[str | None]
    parent_id: NotRequired[str | None]
    """The folder that the path starts from; default: the account's root."""
    create_folders: NotRequired[bool]
    """Whether missing folders of the path are created, which is the default; else `no_parent_folder`."""
    file_id: NotRequired[str | None]
    base_version: NotRequired[Annotated[int, Field(ge=0)] | None]
    on_conflict: NotRequired[Literal["copy", "fail"]]
    """Default: `copy`."""
    lock_tokens: NotRequired[Annotated[list[str], Field(max_length=MAX_ITEMS)]]
    """Locks that the account names as its own."""


class UploadsCheck(TypedDict):
    account_id: Id
    folder_id: NotRequired[str]
    """Folder that the account's API token is limited to; empty: none."""
    items: Annotated[list[WriteTarget], Field(min_length=1, max_length=MAX_ITEMS)]


@final
class WriteAllowed(TypedDict):
    owner_id: str
    path: str
    """As the account sees it."""
    file_id: str | None
    current_version: int
    """0 if there is no file."""


CheckResult = WriteAllowed | ItemRefused


class CheckResults(TypedDict):
    results: list[CheckResult]


class CommitItem(WriteTarget):
    upload_id: Id
    account_id: Id
    folder_id: NotRequired[str]
    """Folder that the account's API token is limited to; empty: none."""
    device: NotRequired[str]
    link_id: NotRequired[str]
    """Link for editing by which a visitor has sent it; it must still exist. Empty: none."""
    size: Annotated[int, Field(ge=0)]
    content_type: Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    object_key: Annotated[str, Field(min_length=1, max_length=1024)]
    tags: NotRequired[list[str]]
    metadata: NotRequired[dict[str, str] | None]
    """Default: a new version has what the file has."""
    client_modified_at: NotRequired[AwareDatetime | None]
    uploaded_at: AwareDatetime


class Commits(TypedDict):
    items: Annotated[list[CommitItem], Field(min_length=1, max_length=MAX_ITEMS)]


@final
class Committed(TypedDict):
    file: File
    version: int
    conflicted: bool
    """Whether it became a conflicted copy."""
    event_id: str


CommitResult = Committed | ItemRefused


class CommitResults(TypedDict):
    results: list[CommitResult]


class AccessItem(TypedDict):
    account_id: Id
    file_id: Id


class AccessRequest(TypedDict):
    items: Annotated[list[AccessItem], Field(max_length=MAX_ITEMS)]


class Permissions(TypedDict):
    permissions: list[Permission | None]


class JournalsRequest(TypedDict):
    accounts: Annotated[list[Id], Field(max_length=MAX_ACCOUNTS)]


class JournalHeads(TypedDict):
    heads: dict[str, str]


class FileLookup(TypedDict):
    account_id: Id
    folder_id: NotRequired[str]
    """Folder that the account's API token is limited to; empty: none."""
    ids: Annotated[list[str], Field(max_length=MAX_ITEMS)]


class Files(TypedDict):
    files: list[File]


class FolderPath(TypedDict):
    account_id: Id
    path: str


class FolderId(TypedDict):
    id: str


class AccountStorage(TypedDict):
    """Sum of an account's versions."""

    bytes: int
    documents: int


class MetadataClient(Client):
    async def check_uploads(
        self, account_id: str, items: Sequence[WriteTarget], *, folder_id: str = ""
    ) -> list[CheckResult]:
        """Check whether the account may write each item, and return what exists now; in order."""
        body: UploadsCheck = {"account_id": account_id, "folder_id": folder_id, "items": list(items)}
        response: CheckResults = await self._call("POST", "/internal/uploads/check", body)
        return response["results"]

    async def commit_uploads(self, items: Sequence[CommitItem]) -> list[CommitResult]:
        """Make each upload a version, once; in order. A repeated upload gets the same result."""
        body: Commits = {"items": list(items)}
        response: CommitResults = await self._call("POST", "/internal/commits", body)
        return response["results"]

    async def permissions(self, items: Sequence[AccessItem]) -> list[Permission | None]:
        """Return each account's permission for a file or folder, also in the trash; None if it has none. In order."""
        body: AccessRequest = {"items": list(items)}
        response: Permissions = await self._call("POST", "/internal/access", body)
        return response["permissions"]

    async def journal_heads(self, account_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the cursor after each account's last change."""
        body: JournalsRequest = {"accounts": list(account_ids)}
        response: JournalHeads = await self._call("POST", "/internal/journals/heads", body)
        return response["heads"]

    async def lookup_files(self, account_id: str, file_ids: Sequence[str], *, folder_id: str = "") -> dict[str, File]:
        """Return the files that the account may read, by id, without those in the trash and outside `folder_id`."""
        body: FileLookup = {"account_id": account_id, "folder_id": folder_id, "ids": list(file_ids)}
        response: Files = await self._call("POST", "/internal/files/lookup", body)
        return {file["id"]: file for file in response["files"]}

    async def folder_at(self, account_id: str, path: str) -> str:
        """Return the id of the folder at a path in the account's own tree; 404, 409 `not_a_folder`."""
        body: FolderPath = {"account_id": account_id, "path": path}
        found: FolderId = await self._call("POST", "/internal/folders/resolve", body)
        return found["id"]

    async def account_storage(self, account_id: str) -> AccountStorage:
        """Recomputed from the account's versions."""
        storage: AccountStorage = await self._call("GET", f"/internal/accounts/{account_id}/storage")
        return storage

    async def list_files(self, after: str, limit: int, *, owner_id: str | None = None) -> list[FileEntry]:
        """Return files and folders by id, of one owner or of all, also those in the trash; empty at the end."""
        whose = f"&owner_id={quote(owner_id, safe='')}" if owner_id is not None else ""
        response: FileEntries = await self._call("GET", f"/internal/files?after={after}&limit={limit}{whose}")
        return response["items"]

    async def annotations_of(
        self, account_id: str, ids: Sequence[str], children_of: str | None = None
    ) -> dict[str, Annotations]:
        """Return locks and properties by id: of `ids` with all locks that cover them, and of what is in a folder."""
        body: AnnotationsRequest = {"account_id": account_id, "ids": list(ids), "children_of": children_of}
        response: AnnotationsResponse = await self._call("POST", "/internal/annotations", body)
        return response["items"]

    async def take_lock(self, request: LockRequest) -> Lock:
        """Lock a file or folder; Conflict `locked` if another lock is in the way."""
        lock: Lock = await self._call("POST", "/internal/locks", request)
        return lock

    async def renew_lock(self, account_id: str, file_id: str, tokens: Sequence[str], seconds: int) -> Lock:
        """Renew a lock that covers a file or folder; PreconditionFailed if none of `tokens` does."""
        body: LockRefresh = {"account_id": account_id, "file_id": file_id, "tokens": list(tokens), "seconds": seconds}
        lock: Lock = await self._call("POST", "/internal/locks/refresh", body)
        return lock

    async def release_lock(self, account_id: str, file_id: str, token: str) -> None:
        """Release a lock that covers a file or folder, if there is one; Forbidden for another account's."""
        body: LockRelease = {"account_id": account_id, "file_id": file_id, "token": token}
        await self._call("POST", "/internal/locks/release", body)

    async def set_properties(
        self, account_id: str, file_id: str, changes: Sequence[PropertyChange], lock_tokens: Sequence[str]
    ) -> None:
        """Set and remove properties, all or none; Conflict `locked`, TooLarge `too_many_properties`."""
        body: PropertyChanges = {
            "account_id": account_id,
            "file_id": file_id,
            "lock_tokens": list(lock_tokens),
            "changes": list(changes),
        }
        await self._call("POST", "/internal/properties", body)

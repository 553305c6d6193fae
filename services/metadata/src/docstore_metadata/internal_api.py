"""Internal routes of commits, upload targets, links and file queries. All of them are idempotent."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from docstore_contracts import metadata as contract
from docstore_contracts.caller import MAX_ITEMS
from docstore_contracts.files import FileEntries
from docstore_metadata.commits.rules import Commit, UploadIntent
from docstore_metadata.commits.service import CommitService
from docstore_metadata.files.directory import FileDirectory
from docstore_metadata.journal.service import ChangeFeed
from docstore_metadata.paging import to_millisecond
from docstore_metadata.tree.access import AccountReader
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.security.service_identity import callers
from docstore_platform.service.app import json_response


def internal_commits_router(commits: CommitService) -> APIRouter:
    """Routes by which upload commits what was sent."""
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["internal"])

    @router.post("/uploads/check", dependencies=[callers("upload")], response_model=described(contract.CheckResults))
    async def check_uploads(body: contract.UploadsCheck) -> Response:
        """Whether the account may write there, and what is there now."""
        intents = [
            UploadIntent(account_id=body["account_id"], folder_id=body.get("folder_id", ""), **item)
            for item in body["items"]
        ]
        response: contract.CheckResults = {"results": await commits.check(intents)}
        return json_response(response)

    @router.post("/commits", dependencies=[callers("upload")], response_model=described(contract.CommitResults))
    async def commit_uploads(body: contract.Commits) -> Response:
        """Make each upload a version, once."""
        items = body["items"]
        results: dict[int, contract.CommitResult] = {}
        by_account: dict[str, list[int]] = {}
        for position, item in enumerate(items):
            by_account.setdefault(item["account_id"], []).append(position)
        for positions in by_account.values():
            committed = await commits.commit([_commit(items[position]) for position in positions])
            results |= zip(positions, committed, strict=True)
        response: contract.CommitResults = {"results": [results[position] for position in range(len(items))]}
        return json_response(response)

    return router


def internal_files_router(directory: FileDirectory, changes: ChangeFeed) -> APIRouter:
    """Routes by which other services ask for files, permissions and journals."""
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["internal"])

    @router.post("/access", dependencies=[callers("notify")], response_model=described(contract.Permissions))
    async def permissions_of(body: contract.AccessRequest) -> Response:
        """Each account's permission on each file or folder, in the trash or not: owner, editor, viewer, or null."""
        pairs = [(item["account_id"], item["file_id"]) for item in body["items"]]
        response: contract.Permissions = {"permissions": await directory.permissions(pairs)}
        return json_response(response)

    @router.post("/journals/heads", dependencies=[callers("gateway")], response_model=described(contract.JournalHeads))
    async def journal_heads(body: contract.JournalsRequest) -> Response:
        """The cursor behind each account's last change, for clients that wait for the next one."""
        response: contract.JournalHeads = {"heads": await changes.heads(body["accounts"])}
        return json_response(response)

    readers = [callers("accounts", "analytics", "indexer", "media", "notify")]

    @router.post("/files/lookup", dependencies=readers, response_model=described(contract.Files))
    async def look_files_up(body: contract.FileLookup) -> Response:
        """Those of the files that the account may read and that are not in the trash."""
        reader = AccountReader(body["account_id"], body.get("folder_id", ""))
        response: contract.Files = {"files": await directory.lookup(reader, body["ids"])}
        return json_response(response)

    @router.post("/folders/resolve", dependencies=[callers("accounts")], response_model=described(contract.FolderId))
    async def resolve_folder(body: contract.FolderPath) -> Response:
        """The id of the folder at a path in an account's own tree."""
        response: contract.FolderId = {"id": await directory.folder_at(body["account_id"], body["path"])}
        return json_response(response)

    @router.get(
        "/accounts/{account_id}/storage",
        dependencies=[callers("quota")],
        response_model=described(contract.AccountStorage),
    )
    async def account_storage(account_id: str) -> Response:
        """What an account stores, recomputed from its versions."""
        stored, documents = await directory.storage_of(account_id)
        response: contract.AccountStorage = {"bytes": stored, "documents": documents}
        return json_response(response)

    @router.get("/files", dependencies=[callers("indexer")], response_model=described(FileEntries))
    async def every_file(
        after: str = "",
        limit: Annotated[int, Query(ge=1, le=MAX_ITEMS)] = 500,
        owner_id: str | None = None,
    ) -> Response:
        """All files and folders by id, those in the trash too."""
        items = await directory.every_file(after, limit, owner_id)
        response: FileEntries = {"items": items, "next_after": items[-1]["file"]["file_id"] if items else None}
        return json_response(response)

    return router


def _commit(item: contract.CommitItem) -> Commit:
    fields: dict[str, Any] = {**item, "tags": tuple(item.get("tags", ()))}
    for name in ("client_modified_at", "uploaded_at"):
        if fields.get(name):
            fields[name] = to_millisecond(fields[name])
    return Commit(**fields)

"""HTTP routes for DocStore's own services; all of them may be called again with the same outcome."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, Field

from docstore_metadata.commits.rules import Commit, UploadIntent
from docstore_metadata.commits.service import CommitService
from docstore_metadata.journal.service import ChangeFeed
from docstore_metadata.tree.directory import FileDirectory
from docstore_platform.routes import INTERNAL_PREFIX
from docstore_platform.service_identity import callers
from docstore_platform.web import json_response

MAX_ITEMS = 1000
Id = Annotated[str, Field(min_length=1, max_length=64)]


class WriteTarget(BaseModel):
    path: str | None = None
    parent_id: str | None = None
    """The folder that the path starts from; none: the account's root."""
    file_id: str | None = None
    base_version: int | None = Field(None, ge=0)
    on_conflict: Literal["copy", "fail"] = "copy"


class UploadsCheck(BaseModel):
    account_id: Id
    items: list[WriteTarget] = Field(min_length=1, max_length=MAX_ITEMS)


class CommitItem(WriteTarget):
    upload_id: Id
    account_id: Id
    device: str = ""
    size: int = Field(ge=0)
    content_type: str = Field(pattern=r"^[\x20-\x7e]*$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    object_key: str = Field(min_length=1, max_length=1024)
    tags: list[str] = []
    client_modified_at: AwareDatetime | None = None
    uploaded_at: AwareDatetime


class Commits(BaseModel):
    items: list[CommitItem] = Field(min_length=1, max_length=MAX_ITEMS)


class AccessItem(BaseModel):
    account_id: Id
    file_id: Id


class Access(BaseModel):
    items: list[AccessItem] = Field(max_length=MAX_ITEMS)


class Lookup(BaseModel):
    account_id: Id
    ids: list[str] = Field(max_length=MAX_ITEMS)


class Journals(BaseModel):
    accounts: list[Id] = Field(max_length=10 * MAX_ITEMS)


def internal_router(commits: CommitService, changes: ChangeFeed, directory: FileDirectory) -> APIRouter:
    """Routes for DocStore's own services."""
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["internal"])

    @router.post("/uploads/check", dependencies=[callers("upload")])
    async def check_uploads(body: UploadsCheck) -> Response:
        """May this account write there, and what is there now."""
        intents = [
            UploadIntent(
                account_id=body.account_id,
                path=item.path,
                parent_id=item.parent_id,
                file_id=item.file_id,
                base_version=item.base_version,
                on_conflict=item.on_conflict,
            )
            for item in body.items
        ]
        return json_response({"results": await commits.check(intents)})

    @router.post("/commits", dependencies=[callers("upload")])
    async def commit_uploads(body: Commits) -> Response:
        """Make each upload a version, once."""
        results: list[Any] = [None] * len(body.items)
        by_account: dict[str, list[int]] = {}
        for position, item in enumerate(body.items):
            by_account.setdefault(item.account_id, []).append(position)
        for positions in by_account.values():
            answers = await commits.commit([_commit(body.items[position]) for position in positions])
            for position, answer in zip(positions, answers, strict=True):
                results[position] = answer
        return json_response({"results": results})

    @router.post("/access", dependencies=[callers("notify")])
    async def permissions_of(body: Access) -> Response:
        """What each account is to each file or folder, in the trash or not: owner, editor, viewer, or null."""
        asked = [(item.account_id, item.file_id) for item in body.items]
        return json_response({"permissions": await directory.permissions(asked)})

    @router.post("/journals/heads", dependencies=[callers("gateway")])
    async def journal_heads(body: Journals) -> Response:
        """The cursor behind each account's last change: for those who wait for the next one."""
        return json_response({"heads": await changes.heads(body.accounts)})

    @router.post("/files/lookup", dependencies=[callers("analytics", "indexer", "media", "notify")])
    async def look_files_up(body: Lookup) -> Response:
        return json_response({"files": await directory.lookup(body.account_id, body.ids)})

    @router.get("/accounts/{account_id}/storage", dependencies=[callers("quota")])
    async def account_storage(account_id: str) -> Response:
        """What an account keeps, recomputed from its versions."""
        stored, documents = await directory.storage_of(account_id)
        return json_response({"bytes": stored, "documents": documents})

    @router.get("/files", dependencies=[callers("indexer")])
    async def every_file(
        after: str = "",
        limit: Annotated[int, Query(ge=1, le=MAX_ITEMS)] = 500,
        owner_id: str | None = None,
    ) -> Response:
        """All files and folders by id, those in the trash too."""
        items = await directory.every_file(after, limit, owner_id)
        last = items[-1]["file"]["file_id"] if items else None
        return json_response({"items": items, "next_after": last})

    return router


def _commit(item: CommitItem) -> Commit:
    return Commit(
        upload_id=item.upload_id,
        account_id=item.account_id,
        device=item.device,
        path=item.path,
        parent_id=item.parent_id,
        file_id=item.file_id,
        size=item.size,
        content_type=item.content_type,
        sha256=item.sha256,
        object_key=item.object_key,
        base_version=item.base_version,
        on_conflict=item.on_conflict,
        tags=tuple(item.tags),
        client_modified_at=_to_millisecond(item.client_modified_at) if item.client_modified_at else None,
        uploaded_at=_to_millisecond(item.uploaded_at),
    )


def _to_millisecond(moment: datetime) -> datetime:
    """As MongoDB keeps it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

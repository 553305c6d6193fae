"""Routes of the versions of a file."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from docstore_metadata.dependencies import Limit, file_response, public_router
from docstore_metadata.display_names import DisplayNames
from docstore_metadata.paging import DEFAULT_LIMIT, moment_json
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Version
from docstore_metadata.tree.views.presentation import Json
from docstore_metadata.tree.views.schemas import File
from docstore_metadata.versions import schemas
from docstore_metadata.versions.service import VersionService
from docstore_platform.errors import invalid
from docstore_platform.http.lock_tokens import LockTokens, lock_tokens_of
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.values import MAX_VERSION, Cursor, VersionNumber
from docstore_platform.security.tokens import Caller, Principal
from docstore_platform.service.app import json_response


def versions_router(versions: VersionService, names: DisplayNames) -> APIRouter:
    router = public_router("files")

    @router.get("/files/{file_id}/versions", response_model=schemas.VersionPage)
    async def list_versions(
        file_id: str, principal: Caller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Response:
        """List the versions, the newest first; of a shared file, those since it was shared."""
        before = _number(cursor) if cursor else None
        place, found = await versions.newest_first(principal, file_id, before, limit + 1)
        return await _page(principal, place, found, limit, names)

    @router.get("/files/{file_id}/changes", response_model=schemas.VersionPage)
    async def list_file_changes(
        file_id: str,
        principal: Caller,
        since: Annotated[int, Query(ge=0, le=MAX_VERSION)],
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Response:
        """List the versions after a number, the oldest first."""
        after = max(since, _number(cursor)) if cursor else since
        place, found = await versions.since(principal, file_id, after, limit + 1)
        return await _page(principal, place, found, limit, names)

    @router.post("/files/{file_id}/versions/{number}/restore", response_model=File)
    async def restore_version(
        file_id: str,
        number: Annotated[VersionNumber, Path()],
        principal: Caller,
        lock_tokens: LockTokens = None,
    ) -> Response:
        """Make an old version the current one again, as a new version."""
        return await file_response(
            names, principal, await versions.restore(principal, file_id, number, lock_tokens_of(lock_tokens))
        )

    return router


def version_json(version: Version, place: Place, account_id: str, names: Mapping[str, str]) -> Json:
    """A version as an account sees it. Only the file's owner sees the devices of others."""
    sees_device = account_id in (place.node.owner_id, version.created_by)
    return {
        "version": version.number,
        "size": version.size,
        "content_type": version.content_type,
        "sha256": version.sha256,
        "created_at": moment_json(version.created_at),
        "client_modified_at": moment_json(version.client_modified_at),
        "metadata": dict(version.metadata or {}),
        "created_by": version.created_by,
        "created_by_name": names.get(version.created_by),
        "device": version.device if sees_device else "",
        "restored_from": version.restored_from,
        "current": version.number == place.node.version,
    }


def _number(cursor: str) -> int:
    number: int = decode_cursor(cursor, int)[0]
    if not 0 <= number <= MAX_VERSION:
        raise invalid("The cursor is not one of ours.", "invalid_cursor")
    return number


async def _page(
    principal: Principal, place: Place, versions: Sequence[Version], limit: int, names: DisplayNames
) -> Response:
    names_by_id = await names.of(version.created_by for version in versions[:limit])
    items = [version_json(version, place, principal.account_id, names_by_id) for version in versions[:limit]]
    cursor = encode_cursor(items[-1]["version"]) if len(versions) > limit else None
    return json_response({"items": items, "next_cursor": cursor})

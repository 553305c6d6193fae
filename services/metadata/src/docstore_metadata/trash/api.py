"""Routes of the trash."""

from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_metadata.dependencies import IfMatch, Limit, file_response, public_router
from docstore_metadata.display_names import DisplayNames
from docstore_metadata.paging import DEFAULT_LIMIT, moment_json
from docstore_metadata.retention.service import RetentionService
from docstore_metadata.trash import schemas
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree.places import View
from docstore_metadata.tree.rules import Node
from docstore_metadata.tree.views.presentation import Json, file_json
from docstore_metadata.tree.views.schemas import File
from docstore_platform.http.lock_tokens import LockTokens, lock_tokens_of
from docstore_platform.http.values import Cursor
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def trash_router(trash: TrashService, retention: RetentionService, names: DisplayNames) -> APIRouter:
    router = public_router("files")

    @router.delete("/files/{file_id}", status_code=204)
    async def delete_file(
        file_id: str, principal: Caller, if_match: IfMatch = None, lock_tokens: LockTokens = None
    ) -> Response:
        """Put a file, or a folder with all that is in it, into the trash."""
        await trash.put_in(principal, file_id, if_match, lock_tokens_of(lock_tokens))
        return Response(status_code=204)

    @router.get("/trash", response_model=schemas.TrashPage)
    async def list_trash(principal: Caller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Response:
        """List the trash, the latest first; `expires_at`: when an item is deleted permanently, or a little later."""
        nodes, next_cursor = await trash.page(principal, cursor, limit)
        ends = await retention.trash_expiry(principal)
        items = [trashed_json(node, ends.of(node.trashed_at)) for node in nodes if node.trashed_at]
        return json_response({"items": items, "next_cursor": next_cursor})

    @router.post("/files/{file_id}/restore", response_model=File)
    async def restore_file(file_id: str, principal: Caller) -> Response:
        """Restore it from the trash to its folder, or to the root; renamed if its name is taken."""
        return await file_response(names, principal, await trash.restore(principal, file_id))

    @router.delete("/trash/{file_id}", status_code=204)
    async def purge_file(file_id: str, principal: Caller) -> Response:
        """Delete permanently, with all versions."""
        await trash.purge(principal, file_id)
        return Response(status_code=204)

    return router


def trashed_json(node: Node, expires_at: datetime | None) -> Json:
    """A file or folder in its owner's trash, with the path it had. It has no preview: its content is unreachable."""
    view = View(node, node.trashed_path, node.parent_id, "owner", can_delete=True, watermark=None)
    times = {"trashed_at": moment_json(node.trashed_at), "expires_at": moment_json(expires_at)}
    return {**file_json(view), "preview": False, **times}

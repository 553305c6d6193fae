"""Public HTTP routes of the trash: thin."""

from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_metadata.dependencies import Caller, Limit, file_response
from docstore_metadata.people.service import DisplayNames
from docstore_metadata.retention.service import RetentionService
from docstore_metadata.trash import schemas
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree.list_query import DEFAULT_LIMIT
from docstore_metadata.tree.presentation import Json, file_json
from docstore_metadata.tree.rules import Node, View
from docstore_metadata.tree.schemas import File
from docstore_platform.clock import rfc3339
from docstore_platform.routes import PUBLIC_PREFIX
from docstore_platform.values import Cursor
from docstore_platform.web import json_response


def trash_router(trash: TrashService, retention: RetentionService, names: DisplayNames) -> APIRouter:
    """Routes of the trash."""
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["files"])

    @router.get("/trash", response_model=schemas.TrashPage)
    async def list_trash(principal: Caller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Response:
        """What is in the trash, the latest first; `expires_at`: when it goes for good, then or a little later."""
        nodes, next_cursor = await trash.page(principal, cursor, limit)
        ends = await retention.trash_expiry(principal)
        items = [trashed_json(node, ends.of(node.trashed_at)) for node in nodes if node.trashed_at]
        return json_response({"items": items, "next_cursor": next_cursor})

    @router.post("/files/{file_id}/restore", response_model=File)
    async def restore_file(file_id: str, principal: Caller) -> Response:
        """Take it out of the trash: to where it was, or into the root; renamed if its name is taken by now."""
        return await file_response(names, principal, await trash.restore(principal, file_id))

    @router.delete("/trash/{file_id}", status_code=204)
    async def purge_file(file_id: str, principal: Caller) -> Response:
        """Remove for good, with all versions."""
        await trash.purge(principal, file_id)
        return Response(status_code=204)

    return router


def trashed_json(node: Node, expires_at: datetime | None) -> Json:
    """A file or folder in its owner's trash, with the path it had, and when it goes for good."""
    assert node.trashed_at is not None
    view = View(node, node.trashed_path, node.parent_id, "owner")
    times = {"trashed_at": rfc3339(node.trashed_at), "expires_at": rfc3339(expires_at) if expires_at else None}
    # What is in the trash is shown by its name alone: there is no way to its content.
    return {**file_json(view), "preview": False, **times}

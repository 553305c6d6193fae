"""Public HTTP routes of files and folders: thin."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_metadata.dependencies import Caller, IfMatch, file_response
from docstore_metadata.people.service import DisplayNames
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree import schemas
from docstore_metadata.tree.copying import Copier
from docstore_metadata.tree.presentation import place_json
from docstore_metadata.tree.schemas import Changes, CopyTo, NewFolder
from docstore_metadata.tree.service import Edit, FileService
from docstore_platform.routes import PUBLIC_PREFIX
from docstore_platform.web import json_response


def tree_router(files: FileService, copier: Copier, trash: TrashService, names: DisplayNames) -> APIRouter:
    """Routes of files and folders."""
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["files"])

    @router.post(
        "/folders",
        status_code=201,
        response_model=schemas.File,
        responses={200: {"description": "There is such a folder.", "model": schemas.File}},
    )
    async def make_folder(body: NewFolder, principal: Caller) -> Response:
        """Make a folder and those above it; 200 if it exists."""
        place, is_new = await files.make_folder(principal, body.path, body.parent_id)
        return await file_response(names, principal, place, 201 if is_new else 200)

    @router.patch("/files/{file_id}", response_model=schemas.File)
    async def change_file(file_id: str, body: Changes, principal: Caller, if_match: IfMatch = None) -> Response:
        """Rename, move and tag; 412 if it is not as `If-Match` says, 409 if the name is taken."""
        edit = Edit(body.name, body.parent_id, body.tags)
        return await file_response(names, principal, await files.edit(principal, file_id, edit, if_match))

    @router.post("/files/{file_id}/copy", status_code=201, response_model=schemas.File)
    async def copy_file(file_id: str, body: CopyTo, principal: Caller) -> Response:
        """Copy a file, or a folder with all that is in it."""
        place = await copier.copy(principal, file_id, body.path, body.parent_id)
        return await file_response(names, principal, place, 201)

    @router.delete("/files/{file_id}", status_code=204)
    async def delete_file(file_id: str, principal: Caller, if_match: IfMatch = None) -> Response:
        """Put a file, or a folder with all that is in it, into the trash."""
        await trash.put_in(principal, file_id, if_match)
        return Response(status_code=204)

    @router.get("/files/{file_id}/ancestors", response_model=schemas.AncestorList)
    async def list_ancestors(file_id: str, principal: Caller) -> Response:
        """List the folders that it is in, from the topmost one that the caller may read down to its parent."""
        folders = await files.ancestors(principal, file_id)
        items = [place_json(folder, principal.account_id) for folder in folders]
        return json_response({"items": items, "next_cursor": None})

    return router

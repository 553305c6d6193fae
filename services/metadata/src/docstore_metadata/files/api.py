"""Routes of single files and folders."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from docstore_metadata.dependencies import DirectRoute, IfMatch, file_response, public_router, query_parameter
from docstore_metadata.display_names import DisplayNames
from docstore_metadata.files.copying import Copier
from docstore_metadata.files.schemas import Changes, CopyTo, NewFolder
from docstore_metadata.files.service import FileService
from docstore_metadata.tree.views import schemas
from docstore_metadata.tree.views.presentation import place_json
from docstore_platform.errors import invalid
from docstore_platform.http.lock_tokens import LockTokens, lock_tokens_of
from docstore_platform.http.values import PATH_SCHEMA
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response

PATH_PARAMETERS = [
    {**query_parameter("path", "An absolute path.", **PATH_SCHEMA), "required": True},
    query_parameter("parent_id", "The folder that the path starts from; the root by default."),
]


def fast_files_router(files: FileService, names: DisplayNames) -> APIRouter:
    """The routes that are called most."""
    router = public_router("files", DirectRoute)

    @router.get("/files/by-path", response_model=schemas.File, openapi_extra={"parameters": PATH_PARAMETERS})
    async def get_file_by_path(request: Request, principal: Caller) -> Response:
        path = request.query_params.get("path")
        if path is None:
            raise invalid("path is needed.")
        place = await files.get_by_path(principal, path, request.query_params.get("parent_id"))
        return await file_response(names, principal, place)

    @router.get("/files/{file_id}", response_model=schemas.File)
    async def get_file(file_id: str, request: Request, principal: Caller) -> Response:
        return await file_response(names, principal, await files.get(principal, file_id))

    return router


def files_router(files: FileService, copier: Copier, names: DisplayNames) -> APIRouter:
    router = public_router("files")

    @router.post(
        "/folders",
        status_code=201,
        response_model=schemas.File,
        responses={200: {"description": "The folder exists.", "model": schemas.File}},
    )
    async def create_folder(body: NewFolder, principal: Caller, lock_tokens: LockTokens = None) -> Response:
        """Create a folder and its missing parents; 200 if it exists."""
        place, is_new = await files.make_folder(principal, body.path, body.parent_id, lock_tokens_of(lock_tokens))
        return await file_response(names, principal, place, 201 if is_new else 200)

    @router.patch("/files/{file_id}", response_model=schemas.File)
    async def update_file(
        file_id: str, body: Changes, principal: Caller, if_match: IfMatch = None, lock_tokens: LockTokens = None
    ) -> Response:
        """Rename, move, tag, set custom metadata; 412 if `If-Match` names another state, 409 if the name is taken."""
        place = await files.edit(
            principal, file_id, if_match, **body.model_dump(), lock_tokens=lock_tokens_of(lock_tokens)
        )
        return await file_response(names, principal, place)

    @router.post("/files/{file_id}/copy", status_code=201, response_model=schemas.File)
    async def copy_file(file_id: str, body: CopyTo, principal: Caller, lock_tokens: LockTokens = None) -> Response:
        """Copy a file, or a folder with all that is in it."""
        place = await copier.copy(
            principal,
            file_id,
            body.path,
            body.parent_id,
            replace=body.replace,
            lock_tokens=lock_tokens_of(lock_tokens),
        )
        return await file_response(names, principal, place, 201)

    @router.get("/files/{file_id}/ancestors", response_model=schemas.AncestorList)
    async def list_ancestors(file_id: str, principal: Caller) -> Response:
        """List the folders above it, from the topmost one that the caller may read down to its parent."""
        folders = await files.ancestors(principal, file_id)
        items = [place_json(folder, principal.account_id) for folder in folders]
        return json_response({"items": items, "next_cursor": None})

    return router

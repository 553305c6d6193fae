"""HTTP routes of packs: many small files sent as one object."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from docstore_events.outbox.bulk import bulk_request
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.http.values import Id
from docstore_platform.security.tokens import Caller
from docstore_upload.packs import schemas
from docstore_upload.packs.schemas import PackRequest
from docstore_upload.packs.service import PackService
from docstore_upload.packs.validation import read_file

router = APIRouter(prefix=PUBLIC_PREFIX, tags=["packs"])
PackId = Annotated[Id, Path()]


def _service(request: Request) -> PackService:
    service: PackService = request.app.state.packs
    return service


def _answer(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


@router.post(
    "/packs",
    status_code=201,
    response_model=schemas.Pack,
    responses={200: {"description": "No file was accepted.", "model": schemas.NoPack}},
)
async def create_pack(request: Request, body: PackRequest, caller: Caller) -> Response:
    """Begin a pack of up to 512 files of up to 64 KiB, 16 MiB together.

    `files` has `{number, offset, size}` or `{problem}` for each, in order. PUT the bytes of the accepted files, back
    to back, followed by the pack's index. If no file is accepted: 200, and `id` is null.

    Files that come with their `content` are stored and committed by this request: `state` is `completed`. If it is not,
    they are stored, but could not be committed yet: call `complete`.
    """
    with bulk_request():
        pack = await _service(request).initiate(caller, [read_file(item) for item in body.files], notify=body.notify)
    return _answer(pack, 201 if pack["id"] else 200)


@router.get("/packs/{pack_id}", response_model=schemas.Pack)
async def get_pack(request: Request, pack_id: PackId, caller: Caller) -> Response:
    """Get the state of a pack and, while it is open, its instructions; afterwards the result of each file."""
    return _answer(await _service(request).get(caller, pack_id))


@router.post("/packs/{pack_id}/complete", response_model=schemas.CompletedPack)
async def complete_pack(request: Request, pack_id: PackId, caller: Caller) -> Response:
    """Verify and commit what was sent: `{number, file, version, conflicted}` or `{number, problem}` for each accepted
    file. Idempotent."""
    with bulk_request():
        files = await _service(request).complete(caller, pack_id)
    return _answer({"files": orjson.Fragment(files)})


@router.delete("/packs/{pack_id}", status_code=204)
async def abort_pack(request: Request, pack_id: PackId, caller: Caller) -> Response:
    """Cancel a pack: what was sent is deleted."""
    await _service(request).abort(caller, pack_id)
    return Response(status_code=204)

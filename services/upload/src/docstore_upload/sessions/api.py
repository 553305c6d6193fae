"""HTTP routes: `/v1/uploads` for clients, `/internal/uploads` for operators."""

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from docstore_contracts.upload import (
    ReceivedBegin,
    ReceivedComplete,
    ReceivedFile,
    ReceivedUpload,
    StalledUpload,
    StalledUploads,
)
from docstore_platform.clock import rfc3339
from docstore_platform.errors import DomainError
from docstore_platform.http.lock_tokens import LockTokens, lock_tokens_of
from docstore_platform.http.problems import problem_json
from docstore_platform.http.response_models import FileJson, described
from docstore_platform.http.routes import INTERNAL_PREFIX, PUBLIC_PREFIX
from docstore_platform.http.values import Cursor, Id
from docstore_platform.security.service_identity import callers
from docstore_platform.security.tokens import Caller, Principal
from docstore_platform.service.app import json_response
from docstore_upload.lifecycle.clients import Json
from docstore_upload.sessions import schemas
from docstore_upload.sessions.schemas import (
    BatchCompleteItem,
    BatchRequest,
    CompleteBatchRequest,
    CompleteRequest,
    InitiateRequest,
    PartsRequest,
)
from docstore_upload.sessions.service import UploadService
from docstore_upload.sessions.validation import read_complete_item, read_initiate

router = APIRouter(prefix=PUBLIC_PREFIX, tags=["uploads"])
internal_router = APIRouter(prefix=INTERNAL_PREFIX, tags=["uploads"])
UploadId = Annotated[Id, Path()]
NO_STORE = {"cache-control": "no-store"}
"""For responses that contain credentials. Also keeps the gateway from storing them for an Idempotency-Key."""


def _service(request: Request) -> UploadService:
    service: UploadService = request.app.state.service
    return service


def _answer(body: Any, status: int = 200) -> Response:
    secret = any("credentials" in item for item in body.get("items", [body]))
    return Response(orjson.dumps(body), status, NO_STORE if secret else None, media_type="application/json")


def _one(outcomes: list[Json | DomainError], status: int) -> Response:
    outcome = outcomes[0]
    if isinstance(outcome, DomainError):
        raise outcome
    return _answer(outcome, status)


def _each(outcomes: list[Json | DomainError]) -> Response:
    items = [
        {"problem": problem_json(outcome)} if isinstance(outcome, DomainError) else outcome for outcome in outcomes
    ]
    return _answer({"items": items})


@router.post("/uploads", status_code=201, response_model=schemas.Upload)
async def create_upload(
    request: Request, body: InitiateRequest, caller: Caller, lock_tokens: LockTokens = None
) -> Response:
    """Initiate an upload: the response has what `method` needs to send the bytes straight to the object store.

    A small file may come with its `content`: this request stores and commits it, and `state` is `completed`. If it is
    not, the file is stored, but could not be committed yet: call `complete`.
    """
    return _one(await _service(request).initiate(caller, [body], lock_tokens_of(lock_tokens)), 201)


@router.post("/uploads/batch", response_model=schemas.InitiatedUploads)
async def create_upload_batch(
    request: Request, body: BatchRequest, caller: Caller, lock_tokens: LockTokens = None
) -> Response:
    """Initiate up to 1000 uploads: `{items}`, in order, each as for one upload or `{problem}`."""
    uploads = [read_initiate(item) for item in body.uploads]
    return _each(await _service(request).initiate(caller, uploads, lock_tokens_of(lock_tokens)))


@router.post("/uploads/complete-batch", response_model=schemas.CompletedUploads)
async def complete_upload_batch(request: Request, body: CompleteBatchRequest, caller: Caller) -> Response:
    """Complete up to 1000 uploads, each an id or `{id, parts?, blocks?}`: `{items}` in order, a file or `{problem}`."""
    return _each(await _service(request).complete(caller, [read_complete_item(item) for item in body.uploads]))


@router.get("/uploads", response_model=schemas.UploadPage)
async def list_uploads(
    request: Request,
    caller: Caller,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    state: Literal["initiated", "uploading", "completed", "expired", "aborted"] | None = None,
) -> Response:
    """The caller's uploads, newest first."""
    return _answer(await _service(request).page(caller, cursor, limit, state))


@router.get("/uploads/{upload_id}", response_model=schemas.Upload)
async def get_upload(request: Request, upload_id: UploadId, caller: Caller) -> Response:
    """Get the state of an upload and, while it is open, its current instructions."""
    return _answer(await _service(request).get(caller, upload_id))


@router.post("/uploads/{upload_id}/parts", response_model=schemas.PartUrls)
async def create_part_urls(request: Request, upload_id: UploadId, body: PartsRequest, caller: Caller) -> Response:
    """Get URLs for more parts of a multipart upload."""
    return _answer(await _service(request).parts(caller, upload_id, body))


@router.post("/uploads/{upload_id}/complete", response_model=FileJson)
async def complete_upload(
    request: Request, upload_id: UploadId, caller: Caller, body: CompleteRequest | None = None
) -> Response:
    """Verify and commit what was sent; returns the file. Idempotent.

    An upload in blocks is completed with the list of its blocks, in the order of the file; 409 `blocks_missing` names
    the missing ones in `hashes`.
    """
    complete = body or CompleteRequest()
    item = BatchCompleteItem(id=upload_id, parts=complete.parts, blocks=complete.blocks)
    return _one(await _service(request).complete(caller, [item]), 200)


@router.delete("/uploads/{upload_id}", status_code=204)
async def abort_upload(request: Request, upload_id: UploadId, caller: Caller) -> Response:
    """Cancel an upload: what was sent is deleted."""
    await _service(request).abort(caller, upload_id)
    return Response(status_code=204)


@internal_router.post("/received", dependencies=[callers("metadata")], response_model=described(ReceivedUpload))
async def begin_received(request: Request, body: ReceivedBegin) -> Response:
    """Begin the upload of a visitor of a link, on behalf of the owner. A taken name gets a conflicted copy; a new
    version of a file is refused if its base is not the current one.

    What comes by a link for editing is no upload of the owner's: metadata's event of the change notifies them.
    """
    link_id, file_id = body.get("link_id", ""), body.get("file_id")
    visitor = Principal(
        body["account_id"], "", "user", body["device"], folder_id=body.get("top_id", ""), link_id=link_id
    )
    wanted = InitiateRequest(
        path="/" + body["name"] if file_id is None else None,
        parent_id=body["folder_id"] if file_id is None else None,
        file_id=file_id,
        size=body["size"],
        sha256=body["sha256"],
        base_version=body.get("base_version", 0),
        on_conflict="copy" if file_id is None else "fail",
        notify=not link_id,
        method="put",
    )
    outcome = (await _service(request).initiate(visitor, [wanted]))[0]
    if isinstance(outcome, DomainError):
        raise outcome
    received: ReceivedUpload = {
        "id": _service(request).id_with_token(outcome["id"]),
        "url": outcome["put"]["url"],
        "headers": outcome["put"]["headers"],
        "expires_at": outcome["expires_at"],
    }
    return json_response(received, headers=NO_STORE)


@internal_router.post("/received/complete", dependencies=[callers("metadata")], response_model=described(ReceivedFile))
async def complete_received(request: Request, body: ReceivedComplete) -> Response:
    """Complete the upload of a visitor. Idempotent."""
    upload, file = await _service(request).complete_for_browser(body["upload_id"], body["token"])
    received = ReceivedFile(
        name=file["name"], size=file["size"], id=file["id"], version=file["version"], link_id=upload.link_id
    )
    return json_response(received)


@internal_router.get("/uploads/stalled", dependencies=[callers("operator")], response_model=described(StalledUploads))
async def list_stalled(request: Request, after: str = "", limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Response:
    """List completed uploads that a service has not acknowledged in time, by id, with the missing services."""
    uploads = await request.app.state.uploads.stalled(after, limit)
    items: list[StalledUpload] = [
        {
            "id": upload.id,
            "account_id": upload.owner_id,
            "path": upload.path,
            "file_id": upload.file["id"] if upload.file else None,
            "completed_at": rfc3339(upload.completed_at),
            "missing": list(upload.missing),
        }
        for upload in uploads
    ]
    return json_response(StalledUploads(items=items, next_after=uploads[-1].id if len(uploads) == limit else None))

"""Internal HTTP routes by which metadata reports contents that no version refers to any more."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from docstore_contracts.upload import ContentsRelease
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.security.service_identity import callers
from docstore_upload.unreferenced.service import UnreferencedContents

internal_router = APIRouter(prefix=INTERNAL_PREFIX, tags=["uploads"])


@internal_router.post("/contents/release", status_code=204, dependencies=[callers("metadata")])
async def release_contents(request: Request, body: ContentsRelease) -> Response:
    """Release contents that no version refers to any more. Idempotent."""
    released: UnreferencedContents = request.app.state.unreferenced_contents
    await released.release(body["keys"])
    return Response(status_code=204)

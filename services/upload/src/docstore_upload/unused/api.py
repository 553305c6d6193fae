"""Internal HTTP routes by which metadata reports contents that have not been read for long, and retrieves them."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from docstore_contracts.upload import ArchivedContents, ContentKeys, RetrievalProgress, UnusedContents
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.security.service_identity import callers
from docstore_upload.unused.service import UnusedContentService

internal_router = APIRouter(prefix=INTERNAL_PREFIX, tags=["uploads"])


@internal_router.post("/contents/unused", status_code=204, dependencies=[callers("metadata")])
async def contents_unused(request: Request, body: UnusedContents) -> Response:
    """Let unread contents move to a colder storage class. Idempotent."""
    await _service(request).become_unused([(item["key"], item["turn"]) for item in body["items"]])
    return Response(status_code=204)


@internal_router.post("/contents/use", dependencies=[callers("metadata")])
async def use_contents(request: Request, body: ContentKeys) -> ArchivedContents:
    """Record that unused contents are read again; the response has those that must be retrieved first."""
    return {"archived": await _service(request).use(body["keys"])}


@internal_router.post("/contents/retrieve", dependencies=[callers("metadata")])
async def retrieve_contents(request: Request, body: ContentKeys) -> RetrievalProgress:
    """Take the next steps to retrieve archived contents; repeat it until none is waiting."""
    step = await _service(request).retrieve(body["keys"])
    return {"waiting": list(step.waiting), "progressed": step.progressed}


def _service(request: Request) -> UnusedContentService:
    service: UnusedContentService = request.app.state.unused_contents
    return service

"""HTTP routes: `/v1/blocks` for clients; for metadata, which contents no version has any more."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from docstore_platform.service_identity import callers
from docstore_platform.tokens import Principal, current_principal
from docstore_platform.web import json_response
from docstore_upload import answers
from docstore_upload.block_uploads import BlockUploads
from docstore_upload.released import ReleasedContents
from docstore_upload.requests import MissingRequest

router = APIRouter(tags=["uploads"])
internal_router = APIRouter(tags=["uploads"])

Caller = Annotated[Principal, Depends(current_principal)]


class ReleaseRequest(BaseModel):
    """Object keys of any contents: block lists, slices of packs, objects of their own."""

    keys: list[str] = Field(max_length=1000)


@router.post("/blocks/missing", response_model=answers.MissingBlocks)
async def missing_blocks(request: Request, body: MissingRequest, caller: Caller) -> Response:
    """Of up to 1000 blocks, named by their SHA-256, those to be sent: `{missing:[{hash, url, headers}]}`.

    Each is sent as one zstd frame with its content's size in the header, by a PUT with exactly these headers. 412 is
    as good as 200: the block is there. The blocks that are not named in the answer need not be sent. `sizes` says by
    hash how long the frame is that will be sent: the URL takes no other length.
    """
    blocks: BlockUploads = request.app.state.blocks
    return json_response({"missing": await blocks.missing(caller.account_id, body.hashes, body.sizes)})


@internal_router.post("/contents/release", status_code=204, dependencies=[callers("metadata")])
async def release_contents(request: Request, body: ReleaseRequest) -> Response:
    """No version has these contents any more. Called again, it changes nothing."""
    released: ReleasedContents = request.app.state.released_contents
    await released.release(body.keys)
    return Response(status_code=204)

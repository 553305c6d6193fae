"""HTTP routes of blocks: `/v1/blocks` for clients."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response
from docstore_upload.blocks import schemas
from docstore_upload.blocks.schemas import MissingRequest
from docstore_upload.blocks.service import BlockService

router = APIRouter(prefix=PUBLIC_PREFIX, tags=["uploads"])


@router.post("/blocks/missing", response_model=schemas.MissingBlocks)
async def list_missing_blocks(request: Request, body: MissingRequest, caller: Caller) -> Response:
    """List which of up to 1000 blocks, named by their SHA-256, must be sent: `{missing:[{hash, url, headers}]}`.

    Send each as one zstd frame with the content's size in its header, by a PUT with exactly these headers; 412 is as
    good as 200: the block is stored. Blocks that the response does not name need not be sent. `sizes` is the length of
    each frame by hash: the URL takes no other length.
    """
    blocks: BlockService = request.app.state.blocks
    return json_response({"missing": await blocks.missing(caller.account_id, body.hashes, body.sizes)})

"""HTTP routes of blocks: `/v1/blocks` for clients."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from docstore_platform.routes import PUBLIC_PREFIX
from docstore_platform.tokens import Principal, current_principal
from docstore_platform.web import json_response
from docstore_upload.blocks import schemas
from docstore_upload.blocks.schemas import MissingRequest
from docstore_upload.blocks.service import BlockService

router = APIRouter(prefix=PUBLIC_PREFIX, tags=["uploads"])
Caller = Annotated[Principal, Depends(current_principal)]


@router.post("/blocks/missing", response_model=schemas.MissingBlocks)
async def missing_blocks(request: Request, body: MissingRequest, caller: Caller) -> Response:
    """Of up to 1000 blocks, named by their SHA-256, those to be sent: `{missing:[{hash, url, headers}]}`.

    Each is sent as one zstd frame with its content's size in the header, by a PUT with exactly these headers. 412 is
    as good as 200: the block is there. The blocks that are not named in the answer need not be sent. `sizes` says by
    hash how long the frame is that will be sent: the URL takes no other length.
    """
    blocks: BlockService = request.app.state.blocks
    return json_response({"missing": await blocks.missing(caller.account_id, body.hashes, body.sizes)})

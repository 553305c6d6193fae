"""Route that lists the folders a file or folder is in."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_metadata.access import Action, authorize
from docstore_metadata.ancestry.schemas import AncestorList
from docstore_metadata.dependencies import Caller, Cases
from docstore_metadata.domain import Place
from docstore_metadata.presentation import place_json
from docstore_platform.web import json_response

router = APIRouter(tags=["files"])


@router.get("/files/{file_id}/ancestors", response_model=AncestorList)
async def list_ancestors(file_id: str, principal: Caller, cases: Cases) -> Response:
    """List the folders that it is in, from the topmost one that the caller may read down to its parent."""
    place = authorize(principal.account_id, await cases.tree.place(file_id), Action.READ)
    above = [Place(node, place.ancestors[:depth]) for depth, node in enumerate(place.ancestors)]
    readable = [folder for folder in above if folder.permission_of(principal.account_id) is not None]
    items = [place_json(folder, principal.account_id) for folder in readable]
    return json_response({"items": items, "next_cursor": None})

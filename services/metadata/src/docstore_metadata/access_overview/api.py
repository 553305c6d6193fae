"""HTTP route `/v1/files/{id}/access`: who can open a file or folder."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_metadata.access_overview.schemas import Access
from docstore_metadata.access_overview.service import AccessOverview
from docstore_metadata.dependencies import NO_STORE, public_router
from docstore_metadata.display_names import DisplayNames
from docstore_metadata.links.api import link_json
from docstore_metadata.links.service import LinkService
from docstore_metadata.sharing.api import share_json
from docstore_metadata.tree.rules import Node
from docstore_metadata.tree.views.presentation import Json
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def access_overview_router(overview: AccessOverview, links: LinkService, names: DisplayNames) -> APIRouter:
    router = public_router("files")

    @router.get("/files/{file_id}/access", response_model=Access)
    async def get_access(file_id: str, principal: Caller) -> Response:
        """Show who can open it: people and links, including those of the folders above it."""
        found = await overview.of(principal, file_id)
        node = found.place.node
        owner_names = await names.of([node.owner_id])
        return json_response(
            {
                "owner_id": node.owner_id,
                "owner_name": owner_names.get(node.owner_id),
                "permission": found.place.permission_of(principal.account_id),
                "shared_from": None if found.shared_from is None else _source(found.shared_from),
                "shares": [{**share_json(share), "inherited_from": _inherited(on, node)} for share, on in found.shares],
                "links": [
                    {**link_json(link, links.url_of(link)), "inherited_from": _inherited(on, node)}
                    for link, on in found.links
                ],
            },
            headers=NO_STORE,
        )

    return router


def _source(node: Node) -> Json:
    return {"id": node.id, "name": node.name}


def _inherited(on: Node, node: Node) -> Json | None:
    return None if on.id == node.id else _source(on)

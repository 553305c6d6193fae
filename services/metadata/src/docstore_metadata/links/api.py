"""Routes of links for their owner."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from docstore_metadata.dependencies import NO_STORE, Limit, public_router
from docstore_metadata.links import schemas
from docstore_metadata.links.rules import Link, LinkOptions
from docstore_metadata.links.schemas import LinkChanges, NewLink
from docstore_metadata.links.service import LinkService
from docstore_metadata.paging import DEFAULT_LIMIT, moment_json
from docstore_metadata.tree.views.presentation import Json
from docstore_platform.clock import rfc3339
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.values import Cursor
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def links_router(links: LinkService) -> APIRouter:
    """Routes of links for the owner."""
    router = public_router("links")

    @router.post("/files/{file_id}/links", status_code=201, response_model=schemas.CreatedLink)
    async def create_link(file_id: str, body: NewLink, request: Request, principal: Caller) -> Response:
        """Create a public link. Only this response contains its `token`; its `url` is shown to the owner again.

        One with a watermark has no downloads to limit: 422 `watermark_without_downloads`. By one of `kind` `receive`,
        visitors send files into the folder and see nothing of it; by one of `kind` `edit`, they read and change the
        file, or what is in the folder. Options that a kind does not have are 422 `not_for_this_kind`.
        """
        link, token = await links.make(
            principal, file_id, LinkOptions(**body.model_dump()), request.headers.get("idempotency-key", "")
        )
        return json_response({**link_json(link, links.url_of(link)), "token": token}, 201, NO_STORE)

    @router.get("/files/{file_id}/links", response_model=schemas.LinkPage)
    async def list_links(
        file_id: str, principal: Caller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Response:
        """List its public links, the earliest first; expired ones for 30 days."""
        after: str = decode_cursor(cursor, str)[0] if cursor else ""
        found = await links.page(principal, file_id, after, limit + 1)
        next_cursor = encode_cursor(found[limit - 1].id) if len(found) > limit else None
        items = [link_json(link, links.url_of(link)) for link in found[:limit]]
        return json_response({"items": items, "next_cursor": next_cursor}, headers=NO_STORE)

    @router.get("/files/{file_id}/links/{link_id}", response_model=schemas.Link)
    async def get_link(file_id: str, link_id: str, principal: Caller) -> Response:
        """Show a public link."""
        link = await links.get(principal, file_id, link_id)
        return json_response(link_json(link, links.url_of(link)), headers=NO_STORE)

    @router.patch("/files/{file_id}/links/{link_id}", response_model=schemas.Link)
    async def update_link(file_id: str, link_id: str, body: LinkChanges, principal: Caller) -> Response:
        """Change a link's name, password, end, limit or watermark; null removes one. An expired link may open again.

        A watermark and a limit of downloads exclude each other: 422 `watermark_without_downloads`.
        """
        changes = {name: getattr(body, name) for name in body.model_fields_set}
        link = await links.change(principal, file_id, link_id, changes)
        return json_response(link_json(link, links.url_of(link)), headers=NO_STORE)

    @router.delete("/files/{file_id}/links/{link_id}", status_code=204)
    async def delete_link(file_id: str, link_id: str, principal: Caller) -> Response:
        """Revoke a link."""
        await links.revoke(principal, file_id, link_id)
        return Response(status_code=204)

    return router


def link_json(link: Link, url: str | None) -> Json:
    """A link as its owner sees it."""
    return {
        "id": link.id,
        "file_id": link.node_id,
        "url": url,
        "name": link.name,
        "has_password": link.password_hash is not None,
        "expires_at": moment_json(link.expires_at),
        "max_downloads": link.max_downloads,
        "watermark": link.watermark,
        "embed": link.embed,
        "kind": link.kind,
        "message": link.message,
        "max_files": link.max_files,
        "max_bytes": link.max_bytes,
        "received_files": link.received_files,
        "received_bytes": link.received_bytes,
        "downloads": link.downloads,
        "opens": link.opens,
        "created_at": rfc3339(link.created_at),
    }

"""Routes of links: those of the owner, and those for visitors with a link's token."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import RedirectResponse, Response

from docstore_contracts.media import PreviewSize
from docstore_metadata.dependencies import NO_STORE, Limit, public_router
from docstore_metadata.downloads.api import CONTENT_RESPONSES
from docstore_metadata.downloads.delivery import Delivery
from docstore_metadata.links import schemas
from docstore_metadata.links.previews import PagePreviews
from docstore_metadata.links.rules import Link, LinkOptions
from docstore_metadata.links.schemas import LinkChanges, NewLink, Opening
from docstore_metadata.links.service import LinkService
from docstore_metadata.links.visits import DOWNLOAD_SECONDS, FolderPage, LinkVisits, Visit
from docstore_metadata.paging import DEFAULT_LIMIT, moment_json
from docstore_metadata.tree.presentation import Json
from docstore_metadata.tree.rules import Node
from docstore_platform.clock import rfc3339
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.values import Cursor, Id
from docstore_platform.security.throttle import client_address
from docstore_platform.security.tokens import Caller
from docstore_platform.web import json_response

NodeId = Annotated[Id | None, Query()]
Address = Annotated[str, Depends(client_address)]
Grant = Annotated[str, Query(max_length=200, description="from `open`; needed where the link has a password")]
GrantHeader = Annotated[str, Header(alias="X-Link-Grant", max_length=200, description="instead of `grant`")]


def links_router(links: LinkService) -> APIRouter:
    """Routes of links for the owner."""
    router = public_router("links")

    @router.post("/files/{file_id}/links", status_code=201, response_model=schemas.CreatedLink)
    async def make_link(file_id: str, body: NewLink, request: Request, principal: Caller) -> Response:
        """Create a public link. Only this response contains its `token`; its `url` is shown to the owner again.

        One with a watermark has no downloads to limit: 422 `watermark_without_downloads`.
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
    async def change_link(file_id: str, link_id: str, body: LinkChanges, principal: Caller) -> Response:
        """Change a link's name, password, end, limit or watermark; null removes one. An expired link may open again.

        A watermark and a limit of downloads exclude each other: 422 `watermark_without_downloads`.
        """
        changes = {name: getattr(body, name) for name in body.model_fields_set}
        link = await links.change(principal, file_id, link_id, changes)
        return json_response(link_json(link, links.url_of(link)), headers=NO_STORE)

    @router.delete("/files/{file_id}/links/{link_id}", status_code=204)
    async def revoke_link(file_id: str, link_id: str, principal: Caller) -> Response:
        """Revoke a link."""
        await links.revoke(principal, file_id, link_id)
        return Response(status_code=204)

    return router


def link_visits_router(visits: LinkVisits, delivery: Delivery, previews: PagePreviews) -> APIRouter:
    """Routes of links for visitors with a token; nobody is logged in."""
    router = public_router("links")

    @router.post("/links/{token}/open", response_model=schemas.OpenedLink)
    async def open_link(token: str, body: Opening, address: Address) -> Response:
        """Open a link; counted. The response shows its file or folder, and the first page of a folder."""
        visit = await visits.open(token, body.password, address)
        node = visit.place.node
        opened: Json = {
            "file": public_json(node),
            "downloads_left": visit.link.downloads_left,
            "expires_at": moment_json(visit.link.expires_at),
            "watermark": visit.link.watermark,
            "grant": visit.grant,
        }
        if node.is_folder:
            opened |= page_json(await visits.page(visit, None, None, DEFAULT_LIMIT))
        return json_response(opened, headers=NO_STORE)

    @router.get("/links/{token}/files", response_model=schemas.LinkedFilePage)
    async def list_linked_files(
        token: str,
        parent_id: NodeId = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
        grant: Grant = "",
        x_link_grant: GrantHeader = "",
    ) -> Response:
        """List the linked folder, or one below it: folders first, then by name."""
        visit = await visits.revisit(token, x_link_grant or grant)
        return json_response(page_json(await visits.page(visit, parent_id, cursor, limit)), headers=NO_STORE)

    @router.get("/links/{token}/content", status_code=302, response_class=RedirectResponse, responses=CONTENT_RESPONSES)
    async def get_linked_content(
        token: str,
        request: Request,
        file_id: NodeId = None,
        grant: Grant = "",
        x_link_grant: GrantHeader = "",
    ) -> Response:
        """Download the linked file, or one in the linked folder: a redirect to a signed URL, valid for a minute, or the
        content, also by ranges. Each call counts as a download. 403 `watermarked_only` for a link
        with a watermark, 409 `archived` for a content in cold storage.
        """
        return await deliver(request, visits, delivery, await visits.revisit(token, x_link_grant or grant), file_id)

    @router.get("/links/{token}/preview", status_code=302, response_class=RedirectResponse)
    async def get_linked_preview(
        token: str,
        file_id: NodeId = None,
        size: Annotated[PreviewSize, Query(description="at most 320 or 1600 pixels a side")] = "large",
        page: Annotated[int, Query(ge=1, le=100_000, description="Page of a PDF, from 1")] = 1,
        grant: Grant = "",
        x_link_grant: GrantHeader = "",
    ) -> Response:
        """Redirect to a signed URL of a picture of the linked file, or of one in the linked folder, with the link's
        watermark. Where links have none, their page has pictures: 404 `no_preview`.

        404 `no_preview` too if the file has none, 404 `preview_failed` with the `reason` if it can't be rendered, 503
        `preview_in_progress` while it is rendered.
        """
        visit = await visits.revisit(token, x_link_grant or grant)
        url = await previews.watermarked(visit.link, await visits.file(visit, file_id), size, page)
        return RedirectResponse(url, 302, headers=NO_STORE)

    return router


async def deliver(
    request: Request, visits: LinkVisits, delivery: Delivery, visit: Visit, file_id: str | None
) -> Response:
    """The content, always as an attachment with a declared type. Counts as a download."""
    return await delivery.answer(await visits.download(visit, file_id), request.headers, DOWNLOAD_SECONDS)


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
        "downloads": link.downloads,
        "opens": link.opens,
        "created_at": rfc3339(link.created_at),
    }


def public_json(node: Node) -> Json:
    """A file or folder as visitors see it: without its owner and its path."""
    return {
        "id": node.id,
        "name": node.name,
        "kind": node.kind,
        "size": node.size,
        "content_type": None if node.is_folder else node.content_type,
        "modified_at": rfc3339(node.modified_at),
    }


def page_json(page: FolderPage) -> Json:
    return {"items": [public_json(node) for node in page.items], "next_cursor": page.next_cursor}

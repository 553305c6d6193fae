"""Routes of links for visitors with a link's token."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from docstore_contracts.media import PreviewSize
from docstore_metadata.dependencies import NO_STORE, IfMatch, Limit, public_router
from docstore_metadata.downloads.api import CONTENT_RESPONSES
from docstore_metadata.downloads.delivery import Delivery
from docstore_metadata.links import schemas
from docstore_metadata.links.rules import Link
from docstore_metadata.links.schemas import LinkedFileChanges, NewLinkedFolder, NewReceived, Opening
from docstore_metadata.links.visits.editing import LinkEditing
from docstore_metadata.links.visits.previews import PagePreviews
from docstore_metadata.links.visits.receiving import LinkReceiving, SentFile
from docstore_metadata.links.visits.service import DOWNLOAD_SECONDS, FolderPage, LinkVisits, Visit
from docstore_metadata.paging import DEFAULT_LIMIT, moment_json
from docstore_metadata.tree.rules import Node
from docstore_metadata.tree.views.presentation import Json
from docstore_metadata.zips.api import ZIP_RESPONSES
from docstore_metadata.zips.delivery import ZipDelivery
from docstore_metadata.zips.plan import ZipPlan
from docstore_metadata.zips.service import ZipService, name_of
from docstore_platform.clock import rfc3339
from docstore_platform.http.values import Cursor, Id
from docstore_platform.security.throttle import client_address
from docstore_platform.service.app import json_response

NodeId = Annotated[Id | None, Query()]
FileId = Annotated[Id, Path()]
Address = Annotated[str, Depends(client_address)]


def _grant(
    grant: Annotated[str, Query(max_length=200, description="from `open`; needed where the link has a password")] = "",
    x_link_grant: Annotated[str, Header(alias="X-Link-Grant", max_length=200, description="instead of `grant`")] = "",
) -> str:
    return x_link_grant or grant


Grant = Annotated[str, Depends(_grant)]
"""What a visitor shows of a link that they have opened, by header or query; empty if nothing."""


def link_visits_router(visits: LinkVisits) -> APIRouter:
    """Routes by which visitors see what is linked. They have a link's token and need no account."""
    router = public_router("links")

    @router.post("/links/{token}/open", response_model=schemas.OpenedLink)
    async def open_link(token: str, body: Opening, address: Address) -> Response:
        """Open a link; counted. The response shows its file or folder, and the first page of a folder.

        Of a link that receives, it shows the folder's name and what is asked for, and nothing that is in it.
        """
        visit = await visits.open(token, body.password, address)
        node = visit.place.node
        link = visit.link
        opened: Json = {
            "file": public_json(node, link),
            "kind": link.kind,
            "message": link.message,
            "files_left": link.files_left if link.receives or link.edits else None,
            "bytes_left": link.bytes_left,
            "downloads_left": visit.link.downloads_left,
            "expires_at": moment_json(visit.link.expires_at),
            "watermark": visit.link.watermark,
            "grant": visit.grant,
        }
        if node.is_folder and not link.receives:
            opened |= page_json(await visits.page(visit, None, None, DEFAULT_LIMIT), link)
        return json_response(opened, headers=NO_STORE)

    @router.get("/links/{token}/files", response_model=schemas.LinkedFilePage)
    async def list_link_files(
        token: str,
        grant: Grant,
        parent_id: NodeId = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Response:
        """List the linked folder, or one below it: folders first, then by name."""
        visit = await visits.revisit(token, grant)
        page = await visits.page(visit, parent_id, cursor, limit)
        return json_response(page_json(page, visit.link), headers=NO_STORE)

    return router


def link_contents_router(
    visits: LinkVisits, delivery: Delivery, link_zips: "LinkZips", previews: PagePreviews
) -> APIRouter:
    """Routes by which visitors download what is linked, and its pictures."""
    router = public_router("links")

    @router.get("/links/{token}/content", status_code=302, response_class=RedirectResponse, responses=CONTENT_RESPONSES)
    async def get_link_content(
        token: str,
        grant: Grant,
        request: Request,
        file_id: NodeId = None,
    ) -> Response:
        """Download the linked file, or one in the linked folder: a redirect to a signed URL, valid for a minute, or the
        content, also by ranges. Each call counts as a download. 403 `watermarked_only` for a link
        with a watermark, 409 `archived` for a content in cold storage.
        """
        return await deliver(request, visits, delivery, await visits.revisit(token, grant), file_id)

    @router.get("/links/{token}/zip", response_class=Response, responses=ZIP_RESPONSES)
    async def get_linked_zip(
        token: str,
        grant: Grant,
        request: Request,
        address: Address,
        file_id: NodeId = None,
    ) -> Response:
        """Download the linked folder, or one below it, as a ZIP; see that of a folder.

        Each call counts as a download of each file in it: 409 `too_few_downloads_left` if the link allows fewer.
        403 `watermarked_only` for a link with a watermark.
        """
        return await link_zips.deliver(await visits.revisit(token, grant), file_id, request, address)

    @router.get("/links/{token}/preview", status_code=302, response_class=RedirectResponse)
    async def get_link_preview(
        token: str,
        grant: Grant,
        file_id: NodeId = None,
        size: Annotated[PreviewSize, Query(description="at most 320 or 1600 pixels a side")] = "large",
        page: Annotated[int, Query(ge=1, le=100_000, description="Page of a PDF or an Office document, from 1")] = 1,
    ) -> Response:
        """Redirect to a signed URL of a picture of the linked file, or of one in the linked folder, with the link's
        watermark if it has one.

        404 `no_preview` if the file has none, or the link limits downloads, which pictures would evade; 404
        `preview_failed` with the `reason` if it can't be rendered; 503 `preview_in_progress` while it is rendered.
        """
        visit = await visits.revisit(token, grant)
        url = await previews.picture(visit.link, await visits.file(visit, file_id), size, page)
        return RedirectResponse(url, 302, headers=NO_STORE)

    return router


def link_uploads_router(visits: LinkVisits, receiving: LinkReceiving) -> APIRouter:
    """Routes by which visitors send files."""
    router = public_router("links")

    @router.post("/links/{token}/uploads", status_code=201, response_model=schemas.ReceivedUpload)
    async def create_received_upload(token: str, body: NewReceived, grant: Grant) -> Response:
        """Begin to send a file by a link that receives or edits: the response has a signed URL to PUT the bytes to.

        403 `receives_nothing` for other links, 409 `link_full` beyond the link's limits, 507 `link_full` if the owner's
        storage is full. A new version of a file that has changed since `base_version`: 409 `version_conflict`.
        """
        visit = await visits.revisit(token, grant)
        upload = await receiving.begin(visit, SentFile(**body.model_dump()))
        return json_response(upload, 201, NO_STORE)

    @router.post("/links/{token}/uploads/{upload_id}/complete", response_model=schemas.ReceivedFile)
    async def complete_received_upload(
        token: str,
        upload_id: Annotated[str, Path(max_length=128)],
    ) -> Response:
        """Complete such an upload once its bytes are sent. Idempotent. A taken name gets another one.

        It works when the link has expired meanwhile, too; one for editing must not be revoked: 409 `target_gone`.
        409 `version_conflict` if the file has got another version meanwhile.
        """
        file = await receiving.complete(upload_id)
        received: Json = {"name": file["name"], "size": file["size"]}
        if file.get("link_id"):
            received |= {"id": file["id"], "version": file["version"]}
        return json_response(received, headers=NO_STORE)

    return router


def link_editing_router(visits: LinkVisits, editing: LinkEditing) -> APIRouter:
    """Routes by which visitors change what is in a linked folder."""
    router = public_router("links")

    @router.post(
        "/links/{token}/folders",
        status_code=201,
        response_model=schemas.LinkedFile,
        responses={200: {"description": "The folder exists.", "model": schemas.LinkedFile}},
    )
    async def create_link_folder(token: str, body: NewLinkedFolder, grant: Grant) -> Response:
        """Create a folder by a link for editing; 200 if it exists. 403 `read_only` for other links."""
        visit = await visits.revisit(token, grant)
        folder, is_new = await editing.make_folder(visit, body.name, body.parent_id)
        return json_response(public_json(folder, visit.link), 201 if is_new else 200, NO_STORE)

    @router.patch("/links/{token}/files/{file_id}", response_model=schemas.LinkedFile)
    async def update_link_file(
        token: str,
        grant: Grant,
        file_id: FileId,
        body: LinkedFileChanges,
        if_match: IfMatch = None,
    ) -> Response:
        """Rename or move something in the linked folder by a link for editing; 412 if `If-Match` names another state.

        403 `folder_limited` for the linked file or folder itself, 403 `read_only` for other links.
        """
        visit = await visits.revisit(token, grant)
        node = await editing.change(visit, file_id, if_match, name=body.name, parent_id=body.parent_id)
        return json_response(public_json(node, visit.link), headers=NO_STORE)

    @router.delete("/links/{token}/files/{file_id}", status_code=204)
    async def delete_link_file(token: str, file_id: FileId, grant: Grant, if_match: IfMatch = None) -> Response:
        """Put something in the linked folder into its owner's trash, by a link for editing."""
        visit = await visits.revisit(token, grant)
        await editing.delete(visit, file_id, if_match)
        return Response(status_code=204, headers=NO_STORE)

    return router


@dataclass(frozen=True, slots=True)
class LinkZips:
    """ZIPs for visitors."""

    visits: LinkVisits
    zips: ZipService
    delivery: ZipDelivery

    async def deliver(self, visit: Visit, node_id: str | None, request: Request, address: str) -> Response:
        """The link's target, or something in it, as a ZIP. Counts as a download of each file."""
        place = await self.visits.whole(visit, node_id)

        async def counted_plan() -> ZipPlan:
            plan = await self.zips.plan([place])
            await self.visits.count_zip(visit, plan.files)
            return plan

        caller = f"{visit.link.id} {address}"
        return await self.delivery.respond(caller, name_of([place]), counted_plan, request.headers)


async def deliver(
    request: Request, visits: LinkVisits, delivery: Delivery, visit: Visit, file_id: str | None
) -> Response:
    """The content, always as an attachment with a declared type. Counts as a download."""
    caller = f"{visit.link.id} {client_address(request)}"
    download = await visits.download(visit, file_id)
    return await delivery.respond(caller, download, request.headers, DOWNLOAD_SECONDS)


def public_json(node: Node, link: Link) -> Json:
    """A file or folder as visitors of a link see it: without its owner and its path."""
    state: Json = {"version": node.version, "etag": node.etag} if link.edits else {}
    return {
        **state,
        "id": node.id,
        "name": node.name,
        "kind": node.kind,
        "size": node.size,
        "content_type": None if node.is_folder else node.content_type,
        "modified_at": rfc3339(node.modified_at),
    }


def page_json(page: FolderPage, link: Link) -> Json:
    return {"items": [public_json(node, link) for node in page.items], "next_cursor": page.next_cursor}

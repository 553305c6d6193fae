"""The HTML page of a public link, without cookies, and without scripts unless the link receives files or edits.

It loads only previews, from the object store, and the frame that renders an Office document.

The password form is sent to its own origin. There is no login, and so nothing to forge.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qs, quote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from docstore_metadata.downloads.delivery import Delivery
from docstore_metadata.links.pages.icons import PAGED, kind_of
from docstore_metadata.links.pages.office_frames import frame_of, why_not
from docstore_metadata.links.pages.rendering import LinkPages, Pages, Shown, Text, href_of
from docstore_metadata.links.pages.scripts import EDIT, RECEIVE, Script
from docstore_metadata.links.rules import Link
from docstore_metadata.links.schemas import MAX_PASSWORD_CHARS
from docstore_metadata.links.visits.api import Address, LinkZips, deliver
from docstore_metadata.links.visits.service import LinkVisits, Visit
from docstore_metadata.paging import DEFAULT_LIMIT
from docstore_metadata.tree.rules import Node
from docstore_platform.errors import DomainError
from docstore_platform.languages import N_

MAX_FORM_BYTES = 4096
MAX_TEXT_BYTES = 1 << 20
"""Larger texts are replaced, not edited in the page."""


def page_router(visits: LinkVisits, delivery: Delivery, link_zips: LinkZips, shows: Shown) -> APIRouter:
    """The pages of public links."""
    router = APIRouter(prefix="/l", include_in_schema=False)

    @router.get("/{token}")
    async def show_link(
        token: str,
        address: Address,
        pages: Pages,
        folder: Text = "",
        after: Text = "",
        grant: Text = "",
        file: Text = "",
        page: Annotated[int, Query(ge=1, le=100_000)] = 1,
        show: bool = False,
    ) -> Response:
        """The link's target, or a form for its password. The first visit counts as an open.

        `file` and `page`: a file in the linked folder, and a page of it. `show`: render a document of a link that
        limits downloads.
        """
        try:
            if folder or after or grant or file or page > 1 or show:
                visit = await visits.revisit(token, grant)
                if file or page > 1 or show:
                    return await _file_page(visits, shows, pages, visit, token, file, page, show=show)
                return await _page_of(visits, shows, pages, visit, token, folder, after)
            if await visits.has_password(token):
                return pages.password_form(token)
            return await _page_of(visits, shows, pages, await visits.open(token, None, address), token)
        except DomainError as error:
            return pages.refused(error, token)

    @router.post("/{token}")
    async def open_with_password(token: str, request: Request, address: Address, pages: Pages) -> Response:
        """The same with the password."""
        try:
            password = await _password_in(request)
            return await _page_of(visits, shows, pages, await visits.open(token, password, address), token)
        except DomainError as error:
            return pages.refused(error, token)

    @router.get("/{token}/download")
    async def download(token: str, request: Request, pages: Pages, file: Text = "", grant: Text = "") -> Response:
        """The content. Counts as a download."""
        try:
            return await deliver(request, visits, delivery, await visits.revisit(token, grant), file or None)
        except DomainError as error:
            return pages.refused(error, token)

    @router.get("/{token}/zip")
    async def download_zip(
        token: str, request: Request, address: Address, pages: Pages, folder: Text = "", grant: Text = ""
    ) -> Response:
        """The folder as a ZIP. Counts as a download of each file."""
        try:
            return await link_zips.deliver(await visits.revisit(token, grant), folder or None, request, address)
        except DomainError as error:
            return pages.refused(error, token)

    return router


async def _password_in(request: Request) -> str:
    """The password in the form; empty if the form is too long or malformed."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            return ""
    try:
        fields = parse_qs(body.decode("latin-1"), max_num_fields=10)
    except ValueError:
        return ""
    return fields.get("password", [""])[0][:MAX_PASSWORD_CHARS]


async def _file_page(
    visits: LinkVisits,
    shows: Shown,
    pages: LinkPages,
    visit: Visit,
    token: str,
    file_id: str = "",
    number: int = 1,
    *,
    show: bool = False,
) -> Response:
    """A file with a picture of a page of it, or rendered in a frame: by `show` where links limit downloads."""
    file, link = await visits.file(visit, file_id or None), visit.link
    here = {"file": file_id, "grant": _grant(visit)}
    url, note = await shows.previews.shown(link, file, number)
    download = href_of(token, "/download", **here) if link.watermark is None else ""
    frame = frame_of(file, download) if download and not url else ""
    is_limited = link.downloads_left is not None
    is_paged = bool(url) and kind_of(file) in PAGED
    about = await _about(shows, link, token)
    if show and frame and link.downloads_left is not None:
        about["downloads_left"] = link.downloads_left - 1
    return pages.rendered(
        "file",
        file.name,
        pictures=[url] if url else [],
        file=file,
        picture=url,
        frame=frame if show or not is_limited else "",
        show=href_of(token, show="true", **here) if frame and is_limited and not show else "",
        note=pages.text(note or ("" if url or not download else why_not(file))),
        number=number,
        previous=href_of(token, page=str(number - 1), **here) if number > 1 else "",
        following=href_of(token, page=str(number + 1), **here) if is_paged else "",
        download=download,
        up=href_of(token, folder=file.parent_id or "", grant=_grant(visit)) if file.id != visit.place.node.id else "",
        **_editing(shows, visit, token, file),
        **about,
    )


def _grant(visit: Visit) -> str:
    """The proof that following pages need."""
    return visit.grant if visit.link.password_hash is not None else ""


async def _about(shows: Shown, link: Link, token: str) -> dict[str, Any]:
    shared_by = (await shows.names.of([link.owner_id])).get(link.owner_id, "")
    return {
        "downloads_left": link.downloads_left,
        "expires_at": link.expires_at,
        "shared_by": shared_by,
        "address": shows.public_url.rstrip("/") + href_of(token),
    }


async def _page_of(
    visits: LinkVisits, shows: Shown, pages: LinkPages, visit: Visit, token: str, folder: str = "", after: str = ""
) -> Response:
    link, top, grant = visit.link, visit.place.node, _grant(visit)
    if link.receives:
        return await _receive_page(shows, pages, visit, token)
    if not top.is_folder:
        return await _file_page(visits, shows, pages, visit, token)
    about = await _about(shows, link, token)
    page = await visits.page(visit, folder or None, after, DEFAULT_LIMIT)
    more = href_of(token, folder=page.folder.id, after=page.next_cursor, grant=grant) if page.next_cursor else ""
    pictures = await shows.previews.urls(link, page.items, "small")
    return pages.rendered(
        "folder",
        page.folder.name,
        pictures=pictures.values(),
        items=[_item(node, pictures, token, grant, link) for node in page.items],
        zip="" if link.watermark is not None else href_of(token, "/zip", folder=page.folder.id, grant=grant),
        more=more,
        up=href_of(token, folder=top.id, grant=grant) if page.folder.id != top.id else "",
        top=top,
        **_editing(shows, visit, token, page.folder),
        **about,
    )


async def _receive_page(shows: Shown, pages: LinkPages, visit: Visit, token: str) -> Response:
    """A form that sends files, by a script. Nothing of the folder is shown but its name."""
    link = visit.link
    return pages.rendered(
        "receive",
        link.name or pages.text(N_("Send files to %(folder)s"), folder=visit.place.node.name),
        script=Script(RECEIVE, shows.store_origin()),
        message=link.message,
        files_left=link.files_left,
        bytes_left=link.bytes_left,
        api=_api(token),
        grant=_grant(visit),
        **await _about(shows, link, token),
    )


def _editing(shows: Shown, visit: Visit, token: str, node: Node) -> dict[str, Any]:
    """What the page of a link for editing has besides; nothing for other links."""
    if not visit.link.edits:
        return {}
    grant = _grant(visit)
    # An address with a parameter shows the page again without counting an open.
    edit = {"api": _api(token), "grant": grant, "folder": node.id}
    edit["here"] = href_of(token, **{"folder" if node.is_folder else "file": node.id, "grant": grant})
    is_text = node.content_type.startswith("text/") and node.size <= MAX_TEXT_BYTES
    edit["text"] = f"{_api(token)}/content?" + urlencode({"file_id": node.id, "grant": grant}) if is_text else ""
    return {"edit": edit, "script": Script(EDIT, shows.store_origin())}


def _api(token: str) -> str:
    return f"/v1/links/{quote(token, safe='')}"


def _item(node: Node, pictures: Mapping[str, str], token: str, grant: str, link: Link) -> dict[str, Any]:
    has_download = not node.is_folder and link.watermark is None
    return {
        "node": node,
        "href": href_of(token, **{"folder" if node.is_folder else "file": node.id, "grant": grant}),
        "download": href_of(token, "/download", file=node.id, grant=grant) if has_download else "",
        "picture": pictures.get(node.id, ""),
    }

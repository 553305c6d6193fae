"""The page of a public link that other sites show in a frame, if the link's owner allows it: pictures and names only.

It asks for no password, counts as no open and gives no downloads: each of its links opens the page of the link itself.
"""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from docstore_metadata.errors import NotFound
from docstore_metadata.links.pages.icons import PAGED, kind_of
from docstore_metadata.links.pages.rendering import LinkPages, Pages, Shown, Text, href_of
from docstore_metadata.links.visits.service import LinkVisits, Visit
from docstore_metadata.paging import DEFAULT_LIMIT
from docstore_platform.errors import DomainError

EMBED = "/embed"


def embed_router(visits: LinkVisits, shows: Shown, ancestors: str) -> APIRouter:
    """`ancestors`: the sites that may frame such a page, as in `frame-ancestors` of a content policy."""
    router = APIRouter(prefix="/l", include_in_schema=False)

    @router.get("/{token}" + EMBED)
    async def show_embedded(
        token: str, pages: Pages, folder: Text = "", file: Text = "", page: Annotated[int, Query(ge=1, le=100_000)] = 1
    ) -> Response:
        """A file, or a folder without those of its contents that are beyond the first page."""
        try:
            visit = await visits.revisit(token, "")
            if not visit.link.embed:
                raise NotFound("link")
            if file or not visit.place.node.is_folder:
                return await _file(visits, shows, pages, visit, token, file, page, ancestors)
            return await _folder(visits, shows, pages, visit, token, folder, ancestors)
        except DomainError as error:
            return pages.refused(error, token)

    return router


async def _file(
    visits: LinkVisits,
    shows: Shown,
    pages: LinkPages,
    visit: Visit,
    token: str,
    file_id: str,
    number: int,
    ancestors: str,
) -> Response:
    file = await visits.file(visit, file_id or None)
    url, note = await shows.previews.shown(visit.link, file, number)
    in_folder = file.id != visit.place.node.id
    return pages.rendered(
        "embedded_file",
        file.name,
        pictures=[url] if url else [],
        ancestors=ancestors,
        file=file,
        picture=url,
        note=pages.text(note),
        number=number,
        previous=href_of(token, EMBED, file=file_id, page=str(number - 1)) if number > 1 else "",
        following=href_of(token, EMBED, file=file_id, page=str(number + 1)) if url and kind_of(file) in PAGED else "",
        up=href_of(token, EMBED, folder=file.parent_id or "") if in_folder else "",
        whole=href_of(token, file=file_id),
    )


async def _folder(
    visits: LinkVisits, shows: Shown, pages: LinkPages, visit: Visit, token: str, folder_id: str, ancestors: str
) -> Response:
    page = await visits.page(visit, folder_id or None, None, DEFAULT_LIMIT)
    pictures = await shows.previews.urls(visit.link, page.items, "small")
    top = visit.place.node
    items = [
        {
            "node": node,
            "href": href_of(token, EMBED, **{"folder" if node.is_folder else "file": node.id}),
            "download": "",
            "picture": pictures.get(node.id, ""),
        }
        for node in page.items
    ]
    return pages.rendered(
        "folder",
        page.folder.name,
        pictures=pictures.values(),
        ancestors=ancestors,
        items=items,
        up=href_of(token, EMBED, folder=top.id) if page.folder.id != top.id else "",
        top=top,
        whole=href_of(token, folder=folder_id),
    )

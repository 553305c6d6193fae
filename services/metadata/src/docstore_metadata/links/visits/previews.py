"""Preview pictures on the page of a public link: media signs their URLs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from docstore_contracts.media import MediaClient, PreviewItem, PreviewSize
from docstore_metadata.links.rules import Link
from docstore_metadata.tree.rules import Node
from docstore_platform.errors import DomainError, NotFound, Unavailable
from docstore_platform.languages import N_

log = structlog.get_logger(__name__)

WAIT_SECONDS = 2.0
"""The page is shown without pictures if media is slow or down."""
NO_PAGE = N_("There are no more pages.")
NO_PICTURE = N_("There is no preview of this file.")
LATER = N_("The preview is not ready yet. Reload this page in a moment.")


@dataclass(slots=True)
class PagePreviews:
    """Signed URLs of the pictures on a page."""

    media: MediaClient
    wait_seconds: float = WAIT_SECONDS

    async def urls(self, link: Link, nodes: Sequence[Node], size: PreviewSize) -> dict[str, str]:
        """By file id. Empty if the link limits downloads: a picture shows the content, but is not counted. Empty if it
        has a watermark, too: a page of pictures with it would take long to render.
        """
        wanted = [node for node in nodes if node.preview]
        if not wanted or link.max_downloads is not None or link.watermark is not None:
            return {}
        items = [_item(node) for node in wanted]
        try:
            async with asyncio.timeout(self.wait_seconds):
                urls = await self.media.preview_urls(items, size)
        except (DomainError, TimeoutError) as error:
            log.warning("link_page_without_previews", link_id=link.id, error=repr(error))
            return {}
        return {node.id: url for node, url in zip(wanted, urls, strict=True) if url}

    async def picture(self, link: Link, node: Node, size: PreviewSize, page: int) -> str:
        """URL of a file's picture, or of a page of it, with the link's watermark, rendered now if need be.

        Raises what media raises; NotFound if the link limits downloads, as `urls` is empty then.
        """
        if link.max_downloads is not None or not node.preview:
            raise NotFound("There is no such preview.", code="no_preview")
        return await self.media.picture(_item(node), link.watermark or "", size, page)

    async def shown(self, link: Link, node: Node, page: int) -> tuple[str, str]:
        """URL of a large picture, or an empty one and a note why a page or a watermarked picture can't be shown."""
        if link.watermark is None and page == 1:
            return (await self.urls(link, [node], "large")).get(node.id, ""), ""
        try:
            return await self.picture(link, node, "large", page), ""
        except NotFound as error:
            no_page = error.extra.get("reason") == "no_such_page"
            return "", NO_PAGE if no_page else NO_PICTURE
        except Unavailable as error:
            log.warning("link_page_without_previews", link_id=link.id, error=repr(error))
            return "", LATER


def _item(node: Node) -> PreviewItem:
    return {"file_id": node.id, "version": node.version, "name": node.name}

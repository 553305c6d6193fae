"""Preview pictures on the page of a public link: media signs their URLs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from docstore_contracts.media import MediaClient, PreviewItem, PreviewSize
from docstore_metadata.links.rules import Link
from docstore_metadata.tree.rules import Node
from docstore_platform.errors import DomainError

log = structlog.get_logger(__name__)

WAIT_SECONDS = 2.0
"""The page is shown without pictures if media is slow or down."""


@dataclass(slots=True)
class PagePreviews:
    """Signed URLs of the pictures on a page."""

    media: MediaClient
    wait_seconds: float = WAIT_SECONDS

    async def urls(self, link: Link, nodes: Sequence[Node], size: PreviewSize) -> dict[str, str]:
        """By file id. Empty if the link limits downloads: a picture shows the content, but is not counted."""
        wanted = [node for node in nodes if node.preview]
        if not wanted or link.max_downloads is not None:
            return {}
        items: list[PreviewItem] = [{"file_id": node.id, "version": node.version, "name": node.name} for node in wanted]
        try:
            async with asyncio.timeout(self.wait_seconds):
                urls = await self.media.preview_urls(items, size)
        except (DomainError, TimeoutError) as error:
            log.warning("link_page_without_previews", link_id=link.id, error=repr(error))
            return {}
        return {node.id: url for node, url in zip(wanted, urls, strict=True) if url}

"""Preview pictures on the page of a public link: media signs their URLs."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import structlog

from docstore_metadata.links.rules import Link
from docstore_metadata.tree.rules import Node
from docstore_platform.problems import Problem

log = structlog.get_logger(__name__)

WAIT_SECONDS = 2.0
"""A page without pictures is better than none: media may be slow or down."""


class Media(Protocol):
    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer of an internal route; Problem if it refuses or can't be reached."""
        ...


class PagePreviews:
    """Signed URLs of the pictures that a page shows."""

    def __init__(self, media: Media, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._media = media
        self._wait_seconds = wait_seconds

    async def urls(self, link: Link, nodes: Sequence[Node], size: Literal["small", "large"]) -> dict[str, str]:
        """By file id. None where the link limits downloads: a picture is as good as a download, and is not counted."""
        wanted = [node for node in nodes if node.preview]
        if not wanted or link.max_downloads is not None:
            return {}
        items = [{"file_id": node.id, "version": node.version, "name": node.name} for node in wanted]
        try:
            async with asyncio.timeout(self._wait_seconds):
                answer = await self._media.call("POST", "/internal/previews", {"items": items, "size": size})
        except (Problem, TimeoutError) as error:
            log.warning("link_page_without_previews", link_id=link.id, error=repr(error))
            return {}
        return {node.id: url for node, url in zip(wanted, answer["urls"], strict=True) if url}

"""Iterates over lists, page by page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ParamSpec, cast

from docstore_client.models.base import Page, T

P = ParamSpec("P")


async def iterate(listing: Callable[P, Awaitable[Page[T]]], *args: P.args, **options: P.kwargs) -> AsyncIterator[T]:
    """Iterate over all items of `listing`, which takes a `cursor`. An empty page is not the end."""
    page_of = cast(Callable[..., Awaitable[Page[T]]], listing)
    filters: dict[str, Any] = dict(options)
    while True:
        page = await page_of(*args, **filters)
        for item in page.items:
            yield item
        if page.next_cursor is None:
            return
        filters["cursor"] = page.next_cursor

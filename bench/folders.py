"""Costs that must not grow with what is stored: a page of a huge folder, a rename of one."""

import time
from collections.abc import Iterator
from typing import Any

from bench.accounts import new_account
from bench.load import percentile
from bench.stack import Stack
from docstore_cli.api import ApiClient
from docstore_platform.mongo import Collection, Mongo

SMALL, HUGE = 100, 1_000_000
CHUNK = 10_000
PAGES = 200
SORTS = ("name", "modified", "size")


async def measure_folders(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure)."""
    mongo = Mongo(stack.mongo_url, app_name="bench")
    nodes = mongo.database("docstore_metadata")["nodes"]
    try:
        async with new_account(stack.gateway) as api:
            await _fill(api, nodes, "/small", SMALL)
            await _fill(api, nodes, "/huge", HUGE)
            rows = [await _pages(api, sort) for sort in SORTS]
            rows.append(await _rename(api))
        return rows
    finally:
        mongo.close()


async def _fill(api: ApiClient, nodes: Collection, path: str, count: int) -> None:
    """Files like a real one, written straight to the database: uploading a million is another benchmark."""
    file = await api.upload(f"{path}/template.txt", b"x")
    template: dict[str, Any] = await nodes.find_one({"_id": file["id"]})

    def copies() -> Iterator[dict[str, Any]]:
        for number in range(count - 1):
            yield {**template, "_id": f"{file['id']}-{number:07}", "name": f"document {number:07}.txt", "size": number}

    source = copies()
    for first in range(0, count - 1, CHUNK):
        size = min(CHUNK, count - 1 - first)
        await nodes.insert_many([next(source) for _ in range(size)], ordered=False)


async def _pages(api: ApiClient, sort: str) -> tuple[str, str]:
    """p50 of pages of 100 in either size of folder, taken in turns; each page of the huge one is another one.

    The page of the small folder is asked for with a changing bound, so that it isn't answered from the cache.
    """
    seconds: dict[str, list[float]] = {"/small": [], "/huge": []}
    cursors: dict[str, str] = {}
    for number in range(PAGES):
        for path, taken in seconds.items():
            more = (
                f"&cursor={cursors[path]}" if path in cursors else f"&modified_after=2020-01-01T00:00:{number % 60:02}Z"
            )
            begin = time.perf_counter()
            page = await api.call("GET", f"/v1/files?path={path}&sort={sort}&limit=100{more}")
            taken.append(time.perf_counter() - begin)
            if page["next_cursor"]:
                cursors[path] = page["next_cursor"]
    medians = {path: percentile(sorted(taken), 50) * 1000 for path, taken in seconds.items()}
    ratio = medians["/huge"] / medians["/small"]
    figure = f"{medians['/huge']:.1f} ms, of {SMALL}: {medians['/small']:.1f} ms: {ratio:.2f}"
    return f"p50 of a page of 100 by {sort} in a folder of {HUGE:,}", figure


async def _rename(api: ApiClient) -> tuple[str, str]:
    folder = await api.call("GET", "/v1/files/by-path?path=/huge")
    begin = time.perf_counter()
    await api.call("PATCH", f"/v1/files/{folder['id']}", {"name": "renamed"})
    return f"rename of a folder of {HUGE:,}", f"{(time.perf_counter() - begin) * 1000:.1f} ms"

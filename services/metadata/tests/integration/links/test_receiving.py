"""Links that receive, on real servers: nothing of the folder is shown, and limits hold for concurrent visitors."""

import asyncio
from datetime import timedelta

import pytest
from link_calls import expire, make, opened, refusal, visit
from metadata_stack import Stack

from docstore_metadata.links.repository import MongoLinks
from docstore_platform.clock import utc_now

pytestmark = pytest.mark.connected


async def test_visitors_see_nothing_of_the_folder(running: Stack) -> None:
    """By no route, nor on the page, which runs only its own script."""
    file = await running.put("/inbox/secret.txt")
    link = await make(running, await running.person.at("/inbox"), kind="receive", message="Your <b>invoices</b>")
    seen = await opened(running, link)
    assert (seen["kind"], seen["message"], seen["files_left"]) == ("receive", "Your <b>invoices</b>", 1000)
    assert "items" not in seen
    for route in ("files", "content?file_id=" + file["id"], "zip", "preview?file_id=" + file["id"]):
        assert await refusal(running, "GET", f"/v1/links/{link['token']}/{route}") == (403, "receives_only"), route
    page = await visit(running, "GET", f"/l/{link['token']}")
    assert b"secret.txt" not in page.body
    assert b"Your &lt;b&gt;invoices&lt;/b&gt;" in page.body
    policy = page.headers["content-security-policy"]
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy


async def test_the_limit_holds_for_concurrent_visitors(running: Stack) -> None:
    """Of files and bytes, in one conditional write; an ended link receives nothing."""
    link = await make(running, await running.person.folder("/inbox"), kind="receive", max_files=3, max_bytes=30)
    links = MongoLinks(running.database)
    stored = await links.get(link["file_id"], link["id"])
    assert stored is not None
    now = utc_now()
    counted = await asyncio.gather(*(links.count_received(stored, 5, now) for _ in range(8)))
    assert sum(counted) == 3
    await links.uncount_received(stored, 5)
    assert not await links.count_received(stored, 21, now)
    assert await links.count_received(stored, 20, now)
    await expire(running, link)
    await links.uncount_received(stored, 20)
    assert not await links.count_received(stored, 1, now + timedelta(seconds=1))

"""Concurrent reads of files, which the service batches."""

import asyncio
from dataclasses import replace

import pytest
from metadata_stack import Stack

from docstore_platform.ids import new_id

pytestmark = pytest.mark.connected


async def test_concurrent_reads_get_their_own_files(running: Stack) -> None:
    """Forty calls: each gets its file, another account gets none, and a deleted one is 404 for all."""
    files = [await running.put(f"/busy/file-{number}") for number in range(10)]
    gone = await running.put("/busy/gone")
    await running.person.get(gone)
    await running.person.ok("DELETE", f"/v1/files/{gone['id']}")
    other = replace(running.person, account_id=new_id())

    seen = await asyncio.gather(*(running.person.get(file) for file in files * 2))
    assert [(file["id"], file["path"]) for file in seen] == [(file["id"], file["path"]) for file in files * 2]
    mixed = await asyncio.gather(
        *(running.person.send("GET", f"/v1/files/{file['id']}") for file in files),
        *(other.send("GET", f"/v1/files/{file['id']}") for file in files),
        *(running.person.send("GET", f"/v1/files/{gone['id']}") for _ in range(10)),
    )
    assert [answer.status for answer in mixed] == [200] * 10 + [404] * 20


async def test_a_read_after_a_rename_shows_the_new_name(running: Stack) -> None:
    """With concurrent reads: a batched read begins after every call it answers."""
    file = await running.put("/busy/name-0")
    stop = asyncio.Event()

    async def look() -> None:
        while not stop.is_set():
            await running.person.get(file)

    lookers = [asyncio.create_task(look()) for _ in range(8)]
    try:
        for number in range(1, 15):
            await running.person.ok("PATCH", f"/v1/files/{file['id']}", {"name": f"name-{number}"})
            assert (await running.person.get(file))["name"] == f"name-{number}"
    finally:
        stop.set()
        await asyncio.gather(*lookers)

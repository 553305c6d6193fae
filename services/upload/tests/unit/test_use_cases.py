"""Use cases whose ways of failing are easier to arrange with fakes than with servers."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from docstore_platform.problems import Problem
from docstore_upload.domain import MIB
from docstore_upload.requests import BatchCompleteItem, InitiateRequest

World = Callable[..., Any]


async def initiate(world: Any, size: int = 5, method: str = "put") -> Any:
    request = InitiateRequest(path="/a.txt", size=size, method=method)
    return (await world.service.initiate(world.person, [request]))[0]


async def complete(world: Any, upload_id: str) -> Any:
    return (await world.service.complete(world.person, [BatchCompleteItem(id=upload_id)]))[0]


async def test_store_failure_at_the_beginning_gives_the_reservation_back(make_world: World) -> None:
    """A multipart upload that the store can't begin is 503, reserves nothing and is not kept."""
    world = make_world()
    world.store.down = True
    outcome = await initiate(world, method="multipart")
    assert (outcome.status, world.peers.quota.reserved, world.uploads.sessions) == (503, {}, {})


async def test_large_object_is_hashed_once(make_world: World) -> None:
    """While a large object is being read `complete` says so; all callers wait for the one reading."""
    world = make_world(complete_wait_seconds=0.01)
    upload = await initiate(world, size=2 * MIB)
    key = world.uploads.sessions[upload["id"]].object_key
    world.store.objects[key] = b"x" * (2 * MIB)
    gate, read = asyncio.Event(), world.store.sha256_of

    async def slow(key: str) -> Any:
        await gate.wait()
        return await read(key)

    world.store.sha256_of = slow
    outcomes = await asyncio.gather(*(complete(world, upload["id"]) for _ in range(3)))
    assert [(outcome.status, outcome.code) for outcome in outcomes] == [(503, "verifying")] * 3
    gate.set()
    await asyncio.gather(*world.verifier._reading.values())
    assert world.uploads.sessions[upload["id"]].found is not None
    file = await complete(world, upload["id"])
    assert (file["path"], world.store.reads) == ("/a.txt", 1)


async def test_means_end_with_the_upload(make_world: World) -> None:
    """Asked for again later, a URL works for the time that is left, not longer."""
    world = make_world(expiry_seconds=100)
    upload = await initiate(world)
    assert "X-Amz-Expires=100&" in upload["put"]["url"]
    world.pass_time(40)
    again = await world.service.get(world.person, upload["id"])
    assert "X-Amz-Expires=60&" in again["put"]["url"]


async def test_parts_of_an_upload_that_has_none(make_world: World) -> None:
    """Part URLs are for multipart uploads that are open, and for parts that exist."""
    world = make_world()
    put, multipart = await initiate(world), await initiate(world, method="multipart")
    for upload_id, numbers, code in (
        (put["id"], [1], "unsupported_method"),
        (multipart["id"], [2], "invalid_parts"),
    ):
        with pytest.raises(Problem) as refused:
            await world.service.parts(world.person, upload_id, numbers)
        assert refused.value.code == code
    await world.service.abort(world.person, multipart["id"])
    with pytest.raises(Problem) as refused:
        await world.service.parts(world.person, multipart["id"], [1])
    assert refused.value.code == "upload_aborted"


async def test_abort_while_committing(make_world: World) -> None:
    """An upload whose commit has begun can't be given up: its file may exist already."""
    world = make_world()
    upload = await initiate(world)
    world.store.objects[world.uploads.sessions[upload["id"]].object_key] = b"right"
    world.peers.metadata.crash_after_commit = True
    with pytest.raises(RuntimeError):
        await complete(world, upload["id"])
    with pytest.raises(Problem) as refused:
        await world.service.abort(world.person, upload["id"])
    assert refused.value.code == "upload_completed"


async def test_final_check_asks_for_many_at_once(make_world: World) -> None:
    """Fifty completed uploads are one question to each service, and one request to say again what is missing."""
    world = make_world(settle_first_seconds=30)
    for _ in range(50):
        upload = await initiate(world)
        world.store.objects[world.uploads.sessions[upload["id"]].object_key] = b"right"
        await complete(world, upload["id"])
    world.peers.notify.settled = set()
    world.peers.quota.down = True
    world.pass_time(31)
    world.peers.metadata.calls.clear()
    world.peers.quota.calls.clear()
    await world.workflow.run_once()
    assert world.peers.quota.calls == {"events/settled": 1}
    assert world.peers.metadata.calls == {"events/republish": 1}
    assert len(world.republished) == len(set(world.republished)) == 50
    world.peers.notify.settled, world.peers.quota.down = None, False
    world.pass_time(61)
    await world.workflow.run_once()
    assert len(world.uploads.purged) == 50

"""Packs on real servers, from the first call to compaction."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest
from pack_calls import complete, initiate, key, packed, row, send, settled_pack
from service_calls import bearer
from upload_stack import Stack

from docstore_contents.reader import Contents
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually
from docstore_upload.lifecycle.ports import Recheck
from docstore_upload.packs.repository import MongoPacks

pytestmark = pytest.mark.connected

FILES = {"/a/1.txt": b"one", "/a/2.txt": b"", "/a/b/3.txt": b"three"}


async def release(stack: Stack, keys: list[str]) -> None:
    headers = {"authorization": bearer(stack.infra, "metadata", "upload")}
    answer = await stack.transport().send(
        "POST",
        "/internal/contents/release",
        headers | {"content-type": "application/json"},
        orjson.dumps({"keys": keys}),
    )
    assert answer.status == 204, answer.body


async def test_from_files_to_versions(running: Stack) -> None:
    """A pack's files become versions, each naming its slice, which reads as what was sent."""
    pack = await initiate(running, FILES)
    assert pack["size"] == 8
    assert (await running.person.ok("GET", f"/v1/packs/{pack['id']}"))["files"] == pack["files"]
    assert await running.person.refused("POST", f"/v1/packs/{pack['id']}/complete") == (409, "upload_incomplete")
    await send(running, pack, FILES)
    answers = await complete(running, pack)
    assert await complete(running, pack) == answers
    shown = await running.person.ok("GET", f"/v1/packs/{pack['id']}")
    assert (shown["state"], shown["files"]) == ("completed", answers)
    assert await running.events(pack["id"]) == ["pack-initiated", "pack-completed"]
    for number, content in enumerate(FILES.values()):
        item = running.services.metadata.committed[f"{pack['id']}-{number}"]["item"]
        assert item["object_key"] == key(running, pack, number)
        assert await Contents(running.store).read(item["object_key"], len(content), item["sha256"]) == content


async def test_nothing_is_stored_over_a_pack(running: Stack) -> None:
    """Its URL works once; what was verified stays what it is."""
    pack = await initiate(running, FILES)
    await send(running, pack, FILES)
    assert await running.put(pack["put"], packed(pack, [b"eno", b"", b"three"])) == 412
    assert all("file" in answer for answer in await complete(running, pack))


async def test_other_accounts_and_invalid_requests_are_refused(running: Stack) -> None:
    """Another's pack is unknown; what breaks a rule is refused, an item by itself."""
    pack = await initiate(running, FILES)
    for method, path in (("GET", ""), ("POST", "/complete"), ("DELETE", "")):
        assert await running.outsider.refused(method, f"/v1/packs/{pack['id']}{path}") == (404, "not_found")
    for body in ({}, {"files": []}, {"files": [{}] * 513}, b"{", {"files": "x"}):
        assert (await running.person.refused("POST", "/v1/packs", body))[0] == 422
    wrong: list[Any] = [1, {}, {"path": "/x"}, {"path": "/x", "size": 1, "sha256": "y"}, {"path": "\ud800"}]
    sizes = [{"path": "/x", "size": size, "sha256": "0" * 64} for size in (-1, 65_537, 1.5, "1")]
    refused = await running.person.ok("POST", "/v1/packs", {"files": [*wrong[:-1], *sizes]})
    assert refused["id"] is None
    assert all("problem" in item for item in refused["files"])


async def test_wrong_slice(running: Stack) -> None:
    """Bytes that are not those declared refuse that file; its reservation ends by the event."""
    pack = await initiate(running, FILES)
    await send(running, pack, FILES | {"/a/b/3.txt": b"THREE"})
    answers = await complete(running, pack)
    assert answers[2]["problem"]["code"] == "upload_mismatch"
    _, completed = await running.published(pack["id"])
    assert b'"refused":[2]' in completed["value"]


async def test_vanished_client(stack: Stack) -> None:
    """A pack that was sent is completed in its client's absence."""
    async with stack.run(looks=True):
        pack = await initiate(stack, FILES)
        await send(stack, pack, FILES)

        async def is_completed() -> bool:
            return (await row(stack, pack))["state"] == "completed"

        await eventually(is_completed)
    assert (await row(stack, pack))["completed_by"] == "workflow"


async def test_expiry(stack: Stack) -> None:
    """A pack that never came expires, is published once, and what comes late is deleted."""
    async with stack.run(lifetime_seconds=0.5, sweep_delay_seconds=3):
        pack = await initiate(stack, FILES)

        async def is_swept_once() -> bool:
            return (await row(stack, pack)).get("attempts") == 1 and (await row(stack, pack))["state"] == "expired"

        await eventually(is_swept_once)
        await stack.store.put(key(stack, pack), b"late")

        async def is_gone() -> bool:
            return "purge_at" in await row(stack, pack)

        await eventually(is_gone)
        assert await stack.person.refused("POST", f"/v1/packs/{pack['id']}/complete") == (409, "upload_expired")
    assert await stack.store.head(key(stack, pack)) is None
    assert await stack.events(pack["id"]) == ["pack-initiated", "pack-expired"]


async def test_giving_up(running: Stack) -> None:
    """What was sent goes; again: 204; a completed pack can't be given up."""
    pack = await initiate(running, FILES)
    await send(running, pack, FILES)
    for _ in range(2):
        await running.person.ok("DELETE", f"/v1/packs/{pack['id']}")

    async def is_gone() -> bool:
        return await running.store.get(key(running, pack)) == b""

    await eventually(is_gone)
    done = await initiate(running, FILES)
    await send(running, done, FILES)
    await complete(running, done)
    assert await running.person.refused("DELETE", f"/v1/packs/{done['id']}") == (409, "upload_completed")
    assert await running.events(pack["id"]) == ["pack-initiated", "pack-aborted"]


async def test_killed_in_mid_commit(stack: Stack) -> None:
    """Killed after metadata's commit: the next run commits again, with the same answer, and publishes it once."""
    stack.services.metadata.crash_after_commit = True
    async with stack.run():
        pack = await initiate(stack, FILES)
        await send(stack, pack, FILES)
        assert (await stack.person.send("POST", f"/v1/packs/{pack['id']}/complete")).status >= 500
        assert (await stack.person.ok("GET", f"/v1/packs/{pack['id']}"))["state"] == "uploading"
        assert await stack.person.refused("DELETE", f"/v1/packs/{pack['id']}") == (409, "upload_completed")
    stack.services.metadata.crash_after_commit = False
    async with stack.run():

        async def is_completed() -> bool:
            return (await row(stack, pack))["state"] == "completed"

        await eventually(is_completed)
    assert await stack.events(pack["id"]) == ["pack-initiated", "pack-completed"]
    versions = {item["answer"]["version"] for item in stack.services.metadata.committed.values()}
    assert versions == {1}


async def test_many_complete_at_once(stack: Stack) -> None:
    """However many callers, and wherever: the same answer, published once."""
    async with stack.run(), stack.run():
        pack = await initiate(stack, FILES)
        await send(stack, pack, FILES)
        answers = await asyncio.gather(*(complete(stack, pack) for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert await stack.events(pack["id"]) == ["pack-initiated", "pack-completed"]


async def test_quota_refuses_and_is_given_back(running: Stack) -> None:
    """What does not fit is refused by itself; a pack that can't be kept gives its reservations back."""
    running.services.quota.limit = 3
    pack = await initiate(running, FILES)
    assert [place.get("number") for place in pack["files"]] == [0, 1, None]
    assert pack["files"][2]["problem"]["code"] == "over_quota"
    assert running.services.quota.reserved == {pack["id"]: 3}


async def test_metadata_is_down(running: Stack) -> None:
    """503, and the pack is committed once metadata is back."""
    pack = await initiate(running, FILES)
    await send(running, pack, FILES)
    running.services.metadata.down = True
    assert (await running.person.refused("POST", f"/v1/packs/{pack['id']}/complete"))[0] == 503
    running.services.metadata.down = False
    assert len(await complete(running, pack)) == 3


async def test_an_empty_pack_is_deleted(stack: Stack) -> None:
    """Released bit by bit and again: the object goes with the last slice."""
    async with stack.run(sweep_delay_seconds=0.1, lifetime_seconds=5):
        pack = await settled_pack(stack, FILES)
        await release(stack, [key(stack, pack, 0), key(stack, pack, 1)])
        await release(stack, [key(stack, pack, 0)])
        assert await stack.store.head(key(stack, pack)) is not None
        await release(stack, [key(stack, pack, 1), key(stack, pack, 2), f"accounts/nobody/packs/{new_id()}/7"])

        async def is_gone() -> bool:
            return "purge_at" in await row(stack, pack)

        await eventually(is_gone)
        assert await stack.store.head(key(stack, pack)) is None
        await release(stack, [key(stack, pack, 2)])


BIG = {f"/{number}": bytes([number]) * 60_000 for number in range(8)}


async def test_compaction_with_a_reader_in_between(running: Stack) -> None:
    """A pack that is mostly dead is rewritten; who has read its index before reads the right bytes after."""
    pack = await settled_pack(running, BIG)
    early, last = Contents(running.store), key(running, pack, 7)
    assert await early.read_range(last, 0, 10) == bytes([7]) * 10
    before = await running.store.head(key(running, pack))
    await release(running, [key(running, pack, number) for number in range(5)])

    async def is_compacted() -> bool:
        return bool((await row(running, pack))["object_bytes"] < 200_000)

    await eventually(is_compacted)
    after = await running.store.head(key(running, pack))
    assert after.size == 3 * 60_000 + 3 * 12 + 8
    assert after.etag != before.etag
    for reader in (early, Contents(running.store)):
        for number in (5, 6, 7):
            content = BIG[f"/{number}"]
            found = await reader.read(key(running, pack, number), 60_000, sha256(content).hexdigest())
            assert found == content


async def test_a_compaction_that_dies(stack: Stack) -> None:
    """Killed after the object was written and before that was noted: the next look finds it done."""
    async with stack.run(lease_seconds=0.5):
        pack = await settled_pack(stack, BIG)
        await release(stack, [key(stack, pack, number) for number in range(5)])

        async def is_compacted() -> bool:
            return bool((await row(stack, pack))["object_bytes"] < 200_000)

        await eventually(is_compacted)
        forgotten = {"object_bytes": 480_104, "lease": "dead", "next_check_at": (await row(stack, pack))["created_at"]}
        await stack.database["packs"].update_one({"_id": pack["id"]}, {"$set": forgotten})
        await eventually(is_compacted)
        assert (await stack.store.head(key(stack, pack))).size == 3 * 60_000 + 3 * 12 + 8


async def test_released_while_it_is_rewritten(stack: Stack) -> None:
    """Who looks at a pack does not see what is released meanwhile: the next look is at once, not after the lease."""
    async with stack.run(sweep_delay_seconds=0.1):
        pack = await settled_pack(stack, FILES)
        packs = MongoPacks(stack.database)
        free = {"_id": pack["id"], "lease_owner": {"$exists": False}}
        looked_at = {"lease_owner": "slow", "next_check_at": utc_now() + timedelta(hours=1)}

        async def is_leased() -> bool:
            return (await stack.database["packs"].update_one(free, {"$set": looked_at})).modified_count == 1

        await eventually(is_leased)
        seen = (await packs.by_ids([pack["id"]]))[pack["id"]]
        await release(stack, [key(stack, pack, number) for number in range(3)])
        assert (await row(stack, pack))["lease_owner"] == "slow"
        await packs.recheck([Recheck(seen, None)])

        async def is_gone() -> bool:
            return await stack.store.get(key(stack, pack)) == b""

        await eventually(is_gone)


async def test_reads_under_compaction(stack: Stack) -> None:
    """While slices are released one after the other, every live one always reads right."""
    async with stack.run(), reading(stack) as watched:
        pack = await settled_pack(stack, BIG)
        watched.update({key(stack, pack, number): BIG[f"/{number}"] for number in range(8)})
        for number in range(7):
            del watched[key(stack, pack, number)]
            await release(stack, [key(stack, pack, number)])
            changes = (await row(stack, pack))["releases"]

            async def is_looked_at(changes: int = changes) -> bool:
                found = await row(stack, pack)
                return found["releases"] == changes and "lease" not in found

            await eventually(is_looked_at)


@asynccontextmanager
async def reading(stack: Stack) -> Any:
    """Reads what is in the dict, by key, over and over; the first wrong content fails the test."""
    watched: dict[str, bytes] = {}
    contents = Contents(stack.store)

    async def read() -> None:
        while True:
            for name, content in list(watched.items()):
                found = await contents.read(name, len(content))
                assert found == content or name not in watched
            await asyncio.sleep(0)

    task = asyncio.create_task(read())
    try:
        yield watched
        assert not task.done(), task.exception()
    finally:
        task.cancel()

"""No upload method stores bytes that count for no account."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
import zstandard
from block_calls import missing, name
from undeclared_block_writes import sized
from undeclared_writes import DECLARED, UNDECLARED_WRITES, UndeclaredWriter, write
from upload_stack import Stack

from docstore_contents.block_list import is_blocks, parse
from docstore_contents.s3.store import UploadNotFound
from docstore_platform.clock import utc_now
from docstore_platform.testing import eventually
from docstore_upload.metrics import unclaimed_bytes

pytestmark = pytest.mark.connected

OVERHEAD = 4096
"""Of the frames, lists and indexes of what one account stored here."""
ALL_IS_DUE = {
    "sweep_delay_seconds": 0.01,
    "block_grace_seconds": 0.01,
    "block_url_lifetime_seconds": 1,
    "unsized_interval_seconds": 0.2,
    "check_first_delay_seconds": 0.1,
    "check_longest_delay_seconds": 0.3,
}


async def stored(stack: Stack, account_id: str) -> int:
    """Bytes in the store under an account, parts that are not put together included."""
    prefix = f"accounts/{account_id}/"
    objects = sum(each.size for each in await stack.store.list_page(prefix, after="", limit=1000))
    parts = 0
    for begun in await stack.store.unfinished_uploads(prefix):
        with suppress(UploadNotFound):  # aborted in this moment
            parts += sum(part.size for part in await stack.store.list_part_copies(begun.key, begun.upload_id))
    return objects + parts


def charged(stack: Stack, account_id: str) -> int:
    committed = stack.services.metadata.committed.values()
    return sum(each["item"]["size"] for each in committed if each["item"]["account_id"] == account_id)


async def lose_patience(stack: Stack) -> None:
    """Everything that is still open, or may still be written, is over by now."""
    now = utc_now()
    past = {"expires_at": now - timedelta(hours=1), "next_check_at": now}
    for collection in ("uploads", "packs"):
        await stack.database[collection].update_many({}, {"$set": past})
    await stack.database["blocks"].update_many({}, {"$set": {"touched_at": now - timedelta(hours=1)}})
    await stack.database["discarded"].update_many({}, {"$set": {"writable_until": now, "next_check_at": now}})


async def test_no_undeclared_write_stores_uncharged_bytes(stack: Stack) -> None:
    """Bytes in the store never exceed those charged, once the sweeps were there; what was committed is whole."""
    liars = {name: UndeclaredWriter.new(stack) for name in UNDECLARED_WRITES}
    async with stack.run(unsized_interval_seconds=0.2):
        for name in UNDECLARED_WRITES:
            await UNDECLARED_WRITES[name](liars[name])
        # While the instructions still work: no account has more than what it was promised and may hold unclaimed.
        for writer in liars.values():
            assert await stored(stack, writer.person.account_id) < 10 << 20
    await lose_patience(stack)
    async with stack.run(looks=True, **ALL_IS_DUE):
        for name, writer in liars.items():
            account_id = writer.person.account_id

            async def is_paid_for(account_id: str = account_id) -> bool:
                return await stored(stack, account_id) <= charged(stack, account_id) + OVERHEAD

            try:
                await eventually(is_paid_for)
            except AssertionError:
                found = await stack.store.list_page(f"accounts/{account_id}/", after="", limit=50)
                pytest.fail(f"{name}: {charged(stack, account_id)} bytes charged, in the store {found}")
    assert await lost(stack) == []
    assert {name for name, writer in liars.items() if charged(stack, writer.person.account_id)} == {
        "put_twice_and_after_completion",
        "put_that_is_never_completed",
        "form_after_completion",
        "parts_after_completion",
        "a_part_again_and_again",
        "credentials_after_completion",
        "blocks_once_more_after_completion",
        "packs_of_which_one_byte_is_paid",
        "small_packs_of_which_one_byte_is_paid",
        "packs_of_which_just_over_half_is_paid",
        "packs_that_are_never_completed",
    }


async def lost(stack: Stack) -> list[str]:
    """Keys of committed contents that are not there."""
    keys = [each["item"]["object_key"] for each in stack.services.metadata.committed.values()]
    whole = {key.rpartition("/")[0] if "/packs/" in key else key for key in keys}
    for key in [key for key in whole if is_blocks(key)]:
        whole |= {block.key for block in parse(await stack.store.get(key))}
    found = await stack.store.head_many(sorted(whole))
    return [key for key, info in zip(sorted(whole), found, strict=True) if info is None or not info.size]


async def test_blocks_beyond_what_an_account_could_claim(stack: Stack) -> None:
    """507 beyond the quota and the allowance; what lay longest makes room once no one is about to name it."""
    blocks = [DECLARED + bytes([number]) for number in range(6)]
    frames = {name(block): len(block) + 64 for block in blocks}
    hashes = list(frames)
    stack.services.quota.limit = 2 * len(DECLARED)
    async with stack.run(unclaimed_bytes=len(DECLARED) + 1000):
        writer = UndeclaredWriter.new(stack)
        await sized(writer, {each: frames[each] for each in hashes[:2]})
        refused = await writer.person.send("POST", "/v1/blocks/missing", {"hashes": hashes[2:], "sizes": frames})
        assert (refused.status, refused.json()["code"]) == (507, "over_quota")
        assert await sized(writer, {hashes[5]: 100})
        long_ago = utc_now() - timedelta(hours=2)
        await stack.database["blocks"].update_many({}, {"$set": {"touched_at": long_ago}})
        assert set(await sized(writer, {each: frames[each] for each in hashes[3:5]})) == set(hashes[3:5])
    rows = await stack.database["blocks"].find().to_list(None)
    assert sum(row["bytes"] for row in rows) <= 3 * len(DECLARED) + 1000


async def test_blocks_for_an_upload_that_has_reserved_its_room(stack: Stack) -> None:
    """What an open upload in blocks has reserved may be sent, however full the quota is with it."""
    stack.services.quota.limit = len(DECLARED)
    async with stack.run(unclaimed_bytes=0):
        writer = UndeclaredWriter.new(stack)
        upload = await writer.begin("blocks", DECLARED, sha256=name(DECLARED))
        frame = zstandard.compress(DECLARED)
        wanted = await sized(writer, {name(DECLARED): len(frame)})
        assert await writer.put(wanted[name(DECLARED)], frame) == 200
        assert await writer.complete(upload, {"blocks": [{"hash": name(DECLARED), "size": len(DECLARED)}]}) == 200


async def test_forms_and_credentials_that_were_given_up(stack: Stack) -> None:
    """Too many that still work, and no more are given; methods whose URLs are dead with their upload are."""
    async with stack.run(unclaimed_bytes=len(DECLARED)):
        writer = UndeclaredWriter.new(stack)
        for _ in range(2):
            await writer.abort(await writer.begin("form"))
        body = {"path": "/a", "size": 1, "method": "credentials"}
        assert await writer.person.refused("POST", "/v1/uploads", body) == (429, "too_much_given_up")
        assert (await writer.begin("put"))["put"]


async def test_leftover_objects_are_found_and_deleted(stack: Stack) -> None:
    """An object of an upload that is over, or where only clients write; of blocks and packs no row is, only counted.

    Another instance, which has not searched itself, shows the same figure.
    """
    account = stack.person.account_id
    async with stack.run(looks=True, **ALL_IS_DUE):
        upload = await stack.person.initiate("put", DECLARED)
        await stack.put(upload["put"], DECLARED)
        await stack.person.ok("POST", f"/v1/uploads/{upload['id']}/complete")

        async def is_settled() -> bool:
            row = await stack.database["uploads"].find_one({"_id": upload["id"]})
            return "next_check_at" not in row

        await eventually(is_settled)
    left_over = [
        f"accounts/{account}/uploads/{upload['id']}/content-copy",
        f"accounts/{account}/uploads/forgotten/incoming/content",
    ]
    unknown = [f"accounts/{account}/blocks/{name(b'x')}.1", f"accounts/{account}/packs/unknown"]
    kept = [stack.key(upload["id"]), f"accounts/{account}/uploads/forgotten/content", *unknown]
    for key in [*left_over, *kept[1:]]:
        await stack.store.put(key, b"something")
    await stack.database["sweeps"].delete_many({})
    async with stack.run(
        **ALL_IS_DUE, stray_grace_seconds=0.01, stray_pass_delay_seconds=0.2, stray_page_delay_seconds=0.1
    ):

        async def are_gone() -> bool:
            page = await stack.store.list_page(f"accounts/{account}/", after="", limit=1000)
            return {each.key for each in page} == set(kept)

        await eventually(are_gone)

        async def are_counted() -> bool:
            return bool(unclaimed_bytes.labels("unknown")._value.get() >= 2 * len(b"something"))

        await eventually(are_counted)

    unclaimed_bytes.labels("unknown").set(0)
    await stack.database["sweeps"].update_one({}, {"$set": {"due_at": utc_now() + timedelta(hours=1)}})
    async with stack.run():
        await eventually(are_counted)


async def test_more_than_declared_ends_an_upload(stack: Stack) -> None:
    """By credentials: found without anyone completing it, deleted, and the upload is over."""
    async with stack.run(looks=True):
        writer = UndeclaredWriter.new(stack)
        upload = await writer.begin("credentials", b"ten bytes.")
        assert await asyncio.to_thread(write, upload["credentials"], DECLARED)

        async def is_over() -> bool:
            return (await writer.person.ok("GET", f"/v1/uploads/{upload['id']}"))["state"] == "aborted"

        await eventually(is_over)

        async def is_empty() -> bool:
            return await stored(stack, writer.person.account_id) == 0

        await eventually(is_empty)


async def test_a_block_without_a_length_is_looked_for(stack: Stack) -> None:
    """More than a block, by a URL without a signed length: deleted by itself, and the URL is dead."""
    huge = bytes(9 << 20)
    async with stack.run(unsized_interval_seconds=0.2):
        writer = UndeclaredWriter.new(stack)
        wanted = (await missing(writer.person, [b"huge"]))[name(b"huge")]
        assert await writer.put(wanted, huge) == 200

        async def is_empty() -> bool:
            return await stored(stack, writer.person.account_id) == 0

        await eventually(is_empty)
        assert await writer.put(wanted, huge) == 412

"""The end of packs: cancellation, expiry, release by slices; live slices stay readable."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from pack_world import FILES, MakePacks, PackWorld, slice_of

from docstore_contents.packs import index_bytes
from docstore_contents.s3.store import ObjectArchived, ObjectChanged
from docstore_platform.errors import DomainError
from docstore_upload.packs.rules import COMPACT_ABOVE, Pack, compacted
from docstore_upload.packs.views import CONTENT_TYPE

SLICE = COMPACT_ABOVE // 5


async def test_expiry(make_packs: MakePacks) -> None:
    """A pack that never comes ends; bytes that come after that are deleted when no URL works any more."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    packs.world.pass_time(86_500)
    await packs.worker.run_once()
    with pytest.raises(DomainError) as refused:
        await packs.complete(pack)
    assert refused.value.code == "upload_expired"
    expired = packs.world.transactor.events[-1]
    assert (expired.pack_id, expired.numbers) == (pack["id"], (0, 1, 2))
    await packs.worker.run_once()
    await packs.send(pack, list(FILES.values()))
    packs.world.pass_time(3_700)
    await packs.worker.run_once()
    assert not packs.store.objects
    assert packs.packs.purged == {pack["id"]}


async def test_cancellation(make_packs: MakePacks) -> None:
    """What was sent is deleted; giving up again changes nothing, and a completed pack can't be given up."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    await packs.send(pack, list(FILES.values()))
    for _ in range(2):
        await packs.service.abort(packs.world.person, pack["id"])
    await packs.worker.run_once()
    assert not any(packs.store.objects.values())
    assert packs.published(pack["id"]) == ["pack-initiated", "pack-aborted"]
    done = await packs.finished(FILES)
    with pytest.raises(DomainError) as refused:
        await packs.service.abort(packs.world.person, done.id)
    assert refused.value.code == "upload_completed"


async def test_an_empty_pack_is_deleted(make_packs: MakePacks) -> None:
    """Once no version refers to any slice, the object goes; released again, nothing changes."""
    packs = make_packs()
    pack = await packs.finished(FILES)
    keys = [pack.key_of(number) for number in pack.numbers]
    for _ in range(2):
        await packs.release([*keys, "accounts/a1/uploads/u1/content", "accounts/a1/packs/none/1"])
        await packs.worker.run_once()
    assert not any(packs.store.objects.values())


@pytest.mark.parametrize(("paid", "unpaid"), [(1, 12_000), (55_000, 45_000)], ids=["small", "mostly live"])
async def test_bytes_of_refused_files_do_not_stay(make_packs: MakePacks, paid: int, unpaid: int) -> None:
    """However few they are: no one is charged for them. The pack is rewritten once."""
    packs = make_packs()
    contents = {"/paid": b"p" * paid, "/unpaid": b"u" * unpaid}
    pack = await packs.finished(contents, sent=[contents["/paid"], b"?" * unpaid])
    content = packs.store.objects[pack.object_key]
    assert len(content) == paid + 12 + 8
    assert slice_of(content, 0) == contents["/paid"]
    assert await reads_until_forgotten(packs, pack) == 0


async def test_few_deleted_files_stay_until_they_are_most_of_a_pack(make_packs: MakePacks) -> None:
    """Of a pack of 12 KB, a third stays and two thirds are freed."""
    packs = make_packs()
    pack = await packs.finished({f"/{number}": bytes([number]) * 4_000 for number in range(3)})
    for number, left in ((0, pack.sent_bytes()), (1, 4_000 + 12 + 8)):
        await packs.release([pack.key_of(number)])
        await packs.worker.run_once()
        assert len(packs.store.objects[pack.object_key]) == left


async def test_a_pack_that_is_mostly_index_is_not_read_again(make_packs: MakePacks) -> None:
    """512 files of a byte have an index of 6 KB, which no rewrite makes shorter."""
    packs = make_packs()
    pack = await packs.finished({f"/{number}": b"x" for number in range(512)})
    assert await reads_until_forgotten(packs, pack) == 0


async def test_an_archived_pack_stays_as_it_is(make_packs: MakePacks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its dead slices stay in the cheap class. It is tried at the release and when its answers are forgotten."""
    packs = make_packs()
    pack = await packs.finished({f"/{number}": bytes([number]) * 60_000 for number in range(8)})
    tried: list[str] = []

    async def refuse(key: str, length: int) -> Any:
        tried.append(key)
        raise ObjectArchived("InvalidObjectState", key)

    monkeypatch.setattr(packs.store, "get_tail", refuse)
    await packs.release([pack.key_of(number) for number in range(5)])
    await packs.worker.run_once()
    await reads_until_forgotten(packs, pack)
    assert tried == [pack.object_key] * 2


async def reads_until_forgotten(packs: PackWorld, pack: Pack) -> int:
    """How often the store is read until the answers of a pack are forgotten and nothing is due."""
    before = packs.store.reads
    packs.world.pass_time(31 * 86_400)
    await packs.worker.run_once()
    kept = packs.packs.stored[pack.id]
    assert (kept.answers, kept.next_check_at) == (None, None)
    return packs.store.reads - before


async def test_a_pack_that_a_backup_holds_stays_as_it_is(make_packs: MakePacks) -> None:
    """Neither rewritten nor deleted while deletions are held; both once they are not, when it is due again."""
    packs = make_packs()
    pack = await packs.finished({f"/{number}": bytes([number]) * 60_000 for number in range(8)})
    keys, content = [pack.key_of(number) for number in pack.numbers], packs.store.objects[pack.object_key]
    for released, left in ((keys[:5], 1), (keys, 0)):
        packs.world.deletions_held = True
        await packs.release(released)
        await packs.worker.run_once()
        assert packs.store.objects[pack.object_key] == content
        packs.world.deletions_held = False
        packs.world.pass_time(packs.world.settings.lease_seconds)
        await packs.worker.run_once()
        assert len([each for each in packs.store.objects.values() if each]) == left
        content = packs.store.objects.get(pack.object_key, b"")
        assert len(content) < 4 * 60_000


async def test_released_while_it_is_rewritten(make_packs: MakePacks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Released to the last slice while the workflow reads it: the next look is at once, and nothing is left."""
    packs = make_packs()
    pack = await packs.finished({f"/{number}": bytes([number]) * 60_000 for number in range(8)})
    keys, read = [pack.key_of(number) for number in pack.numbers], packs.store.get_tail

    async def read_slowly(key: str, length: int) -> Any:
        await packs.release(keys)
        return await read(key, length)

    await packs.release(keys[:5])
    with monkeypatch.context() as patched:
        patched.setattr(packs.store, "get_tail", read_slowly)
        await packs.worker.run_once()
    assert packs.store.objects
    await packs.worker.run_once()
    assert not any(packs.store.objects.values())


async def test_release_names_the_account(make_packs: MakePacks) -> None:
    """A slice of another account's pack of that id is none of this pack."""
    packs = make_packs()
    pack = await packs.finished(FILES)
    await packs.release([pack.key_of(0).replace("/a1/", "/a2/")])
    assert packs.packs.stored[pack.id].live == (0, 1, 2)


async def test_answers_are_forgotten(make_packs: MakePacks) -> None:
    """After their time they take no room any more; the slices live on, and are compacted as ever."""
    packs = make_packs()
    pack = await packs.finished({f"/{number}": bytes([number]) * 60_000 for number in range(8)})
    packs.world.pass_time(31 * 86_400)
    await packs.worker.run_once()
    kept = packs.packs.stored[pack.id]
    assert (kept.declared, kept.answers, kept.next_check_at) == (None, None, None)
    with pytest.raises(DomainError):
        await packs.service.get(packs.world.person, pack.id)
    await packs.release([pack.key_of(number) for number in range(5)])
    await packs.worker.run_once()
    content = packs.store.objects[pack.object_key]
    assert len(content) < 3 * 60_000 + 100
    assert slice_of(content, 7) == bytes([7]) * 60_000


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=20), st.data())
def test_compaction_keeps_numbers_and_bytes(contents: list[bytes], data: st.DataObject) -> None:
    """Compacted any number of times, each live slice has its number and its bytes."""
    files = [{"size": len(content), "sha256": sha256(content).hexdigest()} for content in contents]
    numbers = data.draw(st.permutations(range(len(contents))).map(sorted))
    live = set(numbers)
    packed = b"".join(contents) + index_bytes(_pack(numbers, files).slices())
    while live:
        packed = compacted(packed, live)
        assert all(slice_of(packed, number) == contents[number] for number in live)
        assert len(packed) == sum(len(contents[number]) for number in live) + 12 * len(live) + 8
        live -= set(data.draw(st.sets(st.sampled_from(sorted(live)), min_size=1)))


def _pack(numbers: Sequence[int], files: Sequence[Mapping[str, Any]]) -> Pack:
    moment = datetime(2026, 11, 21)
    sizes = tuple(file["size"] for file in files)
    return Pack(
        id="p1", account_id="a1", device="", path="/", numbers=tuple(numbers), sizes=sizes,
        declared=orjson.dumps(list(files)), state="initiated", revision=1, created_at=moment, expires_at=moment,
    )  # fmt: skip


class PackLifecycle(RuleBasedStateMachine):
    """Releases, looks of the workflow, slow compactors that write late and die, in any order."""

    def __init__(self, make_packs: MakePacks, run: Callable[[Any], Any]) -> None:
        super().__init__()
        self.run, self.packs = run, make_packs()
        self.contents = {f"/{number}": bytes([number]) * SLICE for number in range(8)}
        self.pack = run(self.packs.finished(self.contents))
        self.referred = set(self.pack.numbers)
        self.slow: list[tuple[str, bytes]] = []

    @property
    def object(self) -> bytes | None:
        content: bytes | None = self.packs.store.objects.get(self.pack.object_key)
        return content

    @rule(numbers=st.sets(st.integers(0, 7), min_size=1, max_size=4))
    def release(self, numbers: set[int]) -> None:
        self.referred -= numbers
        self.run(self.packs.release([self.pack.key_of(number) for number in numbers]))

    @rule()
    def look(self) -> None:
        self.run(self.packs.worker.run_once())

    @rule()
    def time_passes(self) -> None:
        self.packs.world.pass_time(61)

    @precondition(lambda self: self.object is not None and self.referred)
    @rule()
    def begin_slow_compaction(self) -> None:
        """Another instance, which has read pack and object and writes whenever it comes to it."""
        read = self.run(self.packs.store.get_tail(self.pack.object_key, 1 << 30))
        self.slow.append((read.etag, compacted(read.data, self.packs.packs.stored[self.pack.id].live)))

    @precondition(lambda self: self.slow)
    @rule()
    def end_slow_compaction(self) -> None:
        etag, kept = self.slow.pop(0)
        with suppress(ObjectChanged):
            self.run(self.packs.store.put(self.pack.object_key, kept, content_type=CONTENT_TYPE, etag=etag))

    @invariant()
    def every_live_slice_is_readable(self) -> None:
        for number in self.referred:
            assert self.object is not None
            assert slice_of(self.object, number) == bytes([number]) * SLICE

    def teardown(self) -> None:
        """Given time, what is dead is gone."""
        for _ in range(4):
            self.packs.world.pass_time(90_000)
            self.run(self.packs.worker.run_once())
        live = SLICE * len(self.referred)
        assert len(self.object or b"") <= max(2 * live, COMPACT_ABOVE) + 200
        assert (self.object is None) == (not self.referred)


def test_packs_under_any_interleaving(make_packs: MakePacks) -> None:
    """Live bytes of every live slice are always readable, and dead ones do not stay."""
    loop = asyncio.new_event_loop()
    try:
        run_state_machine_as_test(
            lambda: PackLifecycle(make_packs, loop.run_until_complete),
            settings=settings(max_examples=2 * settings().max_examples, stateful_step_count=30),
        )
    finally:
        loop.close()

"""Packs over fakes: what is answered, said and kept, also when something fails in between."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from docstore_platform.packs import MAX_INDEX_BYTES, index_bytes, read_index
from docstore_platform.problems import Problem
from docstore_upload.domain import OPEN, Refusal, State
from docstore_upload.pack_complete import PackCompleter
from docstore_upload.pack_initiate import PackInitiator
from docstore_upload.pack_requests import read_file
from docstore_upload.pack_service import PackService
from docstore_upload.pack_store import PackCompletion
from docstore_upload.pack_workflow import PackWorkflow
from docstore_upload.packs import COMPACT_ABOVE, Pack, common_folder, compacted
from docstore_upload.packs_release import PackReleaser
from docstore_upload.peers import Peers


class FakePacks:
    """Packs in memory; each method is one conditional write, as in the database."""

    def __init__(self) -> None:
        self.packs: dict[str, Pack] = {}
        self.leased: set[str] = set()
        self.purged: set[str] = set()

    def change(self, pack_id: str, start: Sequence[State], **changes: Any) -> Pack | None:
        current = self.packs.get(pack_id)
        if current is None or current.state not in start:
            return None
        self.packs[pack_id] = replace(current, **changes)
        return self.packs[pack_id]

    async def insert(self, pack: Pack, session: Any) -> None:
        self.packs[pack.id] = pack

    async def get(self, pack_id: str, account_id: str | None = None, session: Any = None) -> Pack | None:
        pack = self.packs.get(pack_id)
        return pack if pack is None or account_id in (None, pack.account_id) else None

    async def claim(self, pack_id: str, wrong: Any, live: Any, by: Any, retry_at: datetime) -> Pack | None:
        claimed = {"wrong": tuple(wrong), "live": tuple(live), "completed_by": by, "next_check_at": retry_at}
        return self.change(pack_id, OPEN, state="committing", **claimed)

    async def complete(
        self, pack_id: str, done: PackCompletion, now: datetime, check_at: datetime, session: Any
    ) -> None:
        assert self.change(
            pack_id,
            ("committing",),
            state="completed",
            answers=done.answers,
            refused=tuple(done.refused),
            file_event_ids=tuple(done.file_event_ids),
            completed_event_id=done.completed_event_id,
            completed_at=now,
            next_check_at=check_at,
            attempts=0,
            revision=self.packs[pack_id].revision + 1,
        )

    async def amend(self, pack_id: str, answers: bytes, refused: Any, more_event_ids: Any, session: Any) -> None:
        events = (*self.packs[pack_id].file_event_ids, *more_event_ids)
        self.change(pack_id, ("completed",), answers=answers, refused=tuple(refused), file_event_ids=events)

    async def end(self, pack_id: str, state: State, refusal: Refusal | None, now: datetime, session: Any) -> None:
        revision = self.packs[pack_id].revision + 1
        changes: dict[str, Any] = {"state": state, "next_check_at": now, "attempts": 0, "revision": revision}
        assert self.change(pack_id, OPEN, refusal=refusal, **changes)

    async def release(self, numbers: Mapping[tuple[str, str], Any], now: datetime) -> None:
        for (account_id, pack_id), dropped in numbers.items():
            pack = await self.get(pack_id, account_id)
            if pack is None or set(pack.live).isdisjoint(dropped):
                continue
            live = tuple(number for number in pack.live if number not in dropped)
            looks = pack.settled and pack_id not in self.leased
            next_check_at = now if looks else pack.next_check_at
            self.packs[pack_id] = replace(pack, live=live, releases=pack.releases + 1, next_check_at=next_check_at)

    async def claim_due(self, now: datetime, limit: int, lease_until: datetime) -> list[Pack]:
        due = [pack for pack in self.packs.values() if pack.next_check_at and pack.next_check_at <= now][:limit]
        for pack in due:
            self.packs[pack.id] = replace(pack, next_check_at=lease_until)
            self.leased.add(pack.id)
        return [self.packs[pack.id] for pack in due]

    def _as_seen(self, pack: Pack) -> bool:
        current = self.packs[pack.id]
        same_state = current.is_open if pack.is_open else current.state == pack.state
        return same_state and current.releases == pack.releases

    async def plan(self, pack: Pack, at: datetime | None, attempts: int, **changes: Any) -> None:
        if self._as_seen(pack):
            if changes.pop("purge_at", None):
                self.purged.add(pack.id)
            self.packs[pack.id] = replace(self.packs[pack.id], next_check_at=at, attempts=attempts, **changes)
            self.leased.discard(pack.id)

    async def settle(self, pack: Pack, now: datetime) -> None:
        current = self.packs[pack.id]
        live = tuple(number for number in current.live if number not in current.refused)
        changes: dict[str, Any] = {"settled": True, "next_check_at": now, "attempts": 0, "missing": ()}
        self.change(pack.id, ("completed",), live=live, file_event_ids=(), **changes)
        self.leased.discard(pack.id)

    async def forget(self, pack: Pack) -> None:
        if self._as_seen(pack):
            self.change(pack.id, ("completed",), declared=None, answers=None, next_check_at=None)
            self.leased.discard(pack.id)

    async def mark_stalled(self, pack_id: str, missing: Sequence[str], session: Any) -> None:
        self.change(pack_id, ("completed",), missing=tuple(missing), revision=self.packs[pack_id].revision + 1)

    async def count_stalled(self) -> int:
        return sum(bool(pack.missing) for pack in self.packs.values())


class PackWorld:
    """The use cases of packs beside those of uploads, wired as in the app."""

    def __init__(self, world: Any) -> None:
        self.world, self.store, self.peers = world, world.store, world.peers
        self.packs = FakePacks()
        asked = Peers(self.peers.metadata, self.peers.quota, self.peers.indexer, self.peers.notify)
        shared = (self.packs, world.transactor, asked, world.store, world.settings, world.clock)
        self.completer = PackCompleter(*shared)
        self.service = PackService(self.packs, PackInitiator(*shared), self.completer, world.store, world.clock)
        self.workflow = PackWorkflow(
            self.packs, world.transactor, self.completer, asked, world.republish, world.store, world.settings,
            world.clock,
        )  # fmt: skip
        self.releaser = PackReleaser(self.packs, world.clock)

    async def initiate(self, contents: Mapping[str, bytes], **extra: Any) -> Any:
        files = [wish(path, content) | extra for path, content in contents.items()]
        return await self.service.initiate(self.world.person, [read_file(file) for file in files])

    async def send(self, pack: Any, contents: Sequence[bytes]) -> str:
        """Answers the key of the pack."""
        stored = self.packs.packs[pack["id"]]
        accepted = [contents[place["number"]] for place in pack["files"] if "number" in place]
        self.store.objects[stored.object_key] = b"".join(accepted) + index_bytes(stored.slices())
        return stored.object_key

    async def complete(self, pack: Any) -> list[Any]:
        answer: list[Any] = orjson.loads(await self.service.complete(self.world.person, pack["id"]))
        return answer

    async def finished(self, contents: Mapping[str, bytes]) -> Pack:
        """A pack that is sent, completed and settled."""
        pack = await self.initiate(contents)
        await self.send(pack, list(contents.values()))
        await self.complete(pack)
        self.world.pass_time(60)
        await self.workflow.run_once()
        await self.workflow.run_once()
        return self.packs.packs[pack["id"]]

    def said(self, pack_id: str) -> list[str]:
        types: list[str] = self.world.said(pack_id)
        return types


def wish(path: str, content: bytes) -> dict[str, Any]:
    return {"path": path, "size": len(content), "sha256": sha256(content).hexdigest()}


def slice_of(content: bytes, number: int) -> bytes:
    found = read_index(content[-MAX_INDEX_BYTES:], len(content))[number]
    return content[found.offset : found.offset + found.size]


@pytest.fixture
def make_packs(make_world: Callable[..., Any]) -> Callable[..., PackWorld]:
    return lambda **settings: PackWorld(make_world(**settings))


FILES = {"/a/1.txt": b"one", "/a/2.txt": b"", "/a/b/3.txt": b"three"}


async def test_a_pack_costs_one_question_each(make_packs: Any) -> None:
    """However many files: one check, one reservation, one commit, one event at each end."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    assert [place["offset"] for place in pack["files"]] == [0, 3, 3]
    await packs.send(pack, list(FILES.values()))
    answers = await packs.complete(pack)
    assert [answer["file"]["path"] for answer in answers] == list(FILES)
    assert packs.peers.metadata.calls == {"uploads/check": 1, "commits": 1}
    assert packs.peers.quota.calls == {"reservations": 1}
    assert packs.said(pack["id"]) == ["pack-initiated", "pack-completed"]
    assert await packs.complete(pack) == answers
    assert packs.peers.metadata.calls["commits"] == 1


async def test_each_file_names_its_slice(make_packs: Any) -> None:
    """What metadata commits is an upload of its own, whose object is a slice."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    key = await packs.send(pack, list(FILES.values()))
    await packs.complete(pack)
    committed = [row["item"] for row in packs.peers.metadata.committed.values()]
    assert [item["object_key"] for item in committed] == [f"{key}/{number}" for number in range(3)]
    assert [item["upload_id"] for item in committed] == [f"{pack['id']}-{number}" for number in range(3)]


async def test_refusals_leave_gaps(make_packs: Any) -> None:
    """A file that may not be is answered in its place; the numbers of the others are their places."""
    packs = make_packs()
    files = [
        wish("/a", b"a"),
        wish("/../b", b"b"),
        {"path": "/c", "size": 1},
        wish("/d", b"d" * 70_000),
        wish("/e", b"e"),
    ]
    pack = await packs.service.initiate(packs.world.person, [read_file(file) for file in files])
    codes = [place["problem"]["code"] for place in pack["files"] if "problem" in place]
    assert codes == ["invalid_path", "invalid_sha256", "too_large_for_method"]
    assert [place.get("number") for place in pack["files"]] == [0, None, None, None, 4]
    await packs.send(pack, [b"a", b"", b"", b"", b"e"])
    assert [answer["number"] for answer in await packs.complete(pack)] == [0, 4]


async def test_no_file_accepted_is_no_pack(make_packs: Any) -> None:
    """Then nothing is kept, reserved or said."""
    packs = make_packs()
    pack = await packs.initiate({"/../x": b"x"})
    assert pack["id"] is None
    assert not packs.packs.packs
    assert not packs.world.transactor.events


async def test_only_what_fits_the_quota(make_packs: Any) -> None:
    """Files that do not fit are refused by themselves."""
    packs = make_packs()
    packs.peers.quota.limit = 4
    pack = await packs.initiate({"/a": b"aaa", "/b": b"bbb", "/c": b"c"})
    assert pack["files"][1]["problem"]["code"] == "over_quota"
    assert [place.get("offset") for place in pack["files"]] == [0, None, 3]


async def test_only_ones_own_tree(make_packs: Any) -> None:
    """A pack never crosses an account: its signed URL opens all of it."""
    packs = make_packs()
    packs.peers.metadata.owners["theirs"] = "a2"
    pack = await packs.initiate({"/a": b"a"}, parent_id="theirs")
    assert pack["files"][0]["problem"]["code"] == "pack_own_tree"


async def test_too_much_for_a_pack(make_packs: Any) -> None:
    """More than 16 MiB together is refused as a whole."""
    packs = make_packs()
    with pytest.raises(Problem) as refused:
        await packs.initiate({f"/{number}": b"x" * 65_536 for number in range(257)})
    assert refused.value.code == "pack_too_large"


async def test_a_wrong_slice_refuses_its_file_alone(make_packs: Any) -> None:
    """The others are committed; quota hears which reservation no file uses up."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    await packs.send(pack, [b"one", b"", b"XXXXX"])
    answers = await packs.complete(pack)
    assert answers[2]["problem"]["code"] == "upload_mismatch"
    assert len(packs.peers.metadata.committed) == 2
    completed = packs.world.transactor.events[-1]
    assert completed.ended_upload_ids() == [f"{pack['id']}-2"]


async def test_what_is_no_pack_is_refused(make_packs: Any) -> None:
    """An object whose index is not that of the files declared ends the pack, and is deleted."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    key = await packs.send(pack, list(FILES.values()))
    packs.store.objects[key] = packs.store.objects[key][:-1] + b"?"
    for _ in range(2):
        with pytest.raises(Problem) as refused:
            await packs.complete(pack)
        assert refused.value.code == "upload_mismatch"
    assert packs.said(pack["id"]) == ["pack-initiated", "pack-aborted"]
    await packs.workflow.run_once()
    assert not packs.store.objects


async def test_metadata_refuses_a_file(make_packs: Any) -> None:
    """A refusal at the commit is that file's answer; its slice lives no longer once all is settled."""
    packs = make_packs()
    packs.peers.metadata.refusals["/a/1.txt"] = {"status": 404, "code": "not_found", "detail": "gone"}
    pack = await packs.initiate(FILES)
    await packs.send(pack, list(FILES.values()))
    answers = await packs.complete(pack)
    assert answers[0]["problem"]["code"] == "target_gone"
    assert packs.packs.packs[pack["id"]].live == (0, 1, 2)
    packs.world.pass_time(60)
    await packs.workflow.run_once()
    assert packs.packs.packs[pack["id"]].live == (1, 2)


async def test_a_commit_counts_more_than_a_refusal(make_packs: Any) -> None:
    """Two complete at once and one is refused a file that the other commits: the file is there, its slice lives."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    await packs.send(pack, list(FILES.values()))
    metadata = packs.peers.metadata
    metadata.crash_after_commit = True
    with pytest.raises(RuntimeError):
        await packs.complete(pack)
    committing = packs.packs.packs[pack["id"]]
    metadata.crash_after_commit = False
    metadata.refusals["/a/1.txt"] = {"status": 404, "code": "not_found", "detail": "gone"}
    assert "problem" in (await packs.complete(pack))[0]
    metadata.refusals.clear()
    answers = orjson.loads(await packs.completer.complete(committing, "workflow"))
    assert "file" in answers[0]
    packs.world.pass_time(60)
    await packs.workflow.run_once()
    assert packs.packs.packs[pack["id"]].live == (0, 1, 2)


async def test_killed_after_the_commit(make_packs: Any) -> None:
    """A completion that died between metadata's commit and its own is finished by the workflow, once."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    await packs.send(pack, list(FILES.values()))
    packs.peers.metadata.crash_after_commit = True
    with pytest.raises(RuntimeError):
        await packs.complete(pack)
    packs.peers.metadata.crash_after_commit = False
    packs.world.pass_time(60)
    await packs.workflow.run_once()
    assert packs.said(pack["id"]) == ["pack-initiated", "pack-completed"]
    assert len(await packs.complete(pack)) == 3


async def test_completed_in_the_clients_absence(make_packs: Any) -> None:
    """A client that sends its pack and is never heard of again."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    packs.world.pass_time(120)
    await packs.workflow.run_once()
    await packs.send(pack, list(FILES.values()))
    packs.world.pass_time(900)
    await packs.workflow.run_once()
    shown = await packs.service.get(packs.world.person, pack["id"])
    assert shown["state"] == "completed"
    assert packs.world.transactor.events[-1].completed_by == "workflow"


async def test_expiry(make_packs: Any) -> None:
    """A pack that never comes ends; bytes that come after that are deleted when no URL works any more."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    packs.world.pass_time(90_000)
    await packs.workflow.run_once()
    with pytest.raises(Problem) as refused:
        await packs.complete(pack)
    assert refused.value.code == "upload_expired"
    expired = packs.world.transactor.events[-1]
    assert expired.ended_upload_ids() == [f"{pack['id']}-{number}" for number in range(3)]
    await packs.workflow.run_once()
    await packs.send(pack, list(FILES.values()))
    packs.world.pass_time(3_700)
    await packs.workflow.run_once()
    assert not packs.store.objects
    assert packs.packs.purged == {pack["id"]}


async def test_giving_up(make_packs: Any) -> None:
    """What was sent is deleted; giving up again changes nothing, and a completed pack can't be given up."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    await packs.send(pack, list(FILES.values()))
    for _ in range(2):
        await packs.service.abort(packs.world.person, pack["id"])
    await packs.workflow.run_once()
    assert not packs.store.objects
    assert packs.said(pack["id"]) == ["pack-initiated", "pack-aborted"]
    done = await packs.finished(FILES)
    with pytest.raises(Problem) as refused:
        await packs.service.abort(packs.world.person, done.id)
    assert refused.value.code == "upload_completed"


async def test_a_foreign_pack_is_unknown(make_packs: Any) -> None:
    """404 for whoever did not begin it."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    packs.world.person = replace(packs.world.person, account_id="a2")
    with pytest.raises(Problem) as refused:
        await packs.service.get(packs.world.person, pack["id"])
    assert refused.value.status == 404


async def test_final_check_asks_again_for_what_is_missing(make_packs: Any) -> None:
    """Only events that a service is not done with are said again; then the pack stalls, and is settled late."""
    packs = make_packs(settle_attempts=2)
    pack = await packs.initiate(FILES)
    await packs.send(pack, list(FILES.values()))
    await packs.complete(pack)
    events = list(packs.packs.packs[pack["id"]].file_event_ids)
    packs.peers.indexer.settled = set(events[:2])
    packs.world.pass_time(60)
    await packs.workflow.run_once()
    assert packs.peers.metadata.republished == events[2:]
    packs.world.pass_time(4_000)
    await packs.workflow.run_once()
    assert packs.said(pack["id"])[-1] == "pack-stalled"
    packs.peers.indexer.settled = None
    packs.world.pass_time(4_000)
    await packs.workflow.run_once()
    assert packs.packs.packs[pack["id"]].settled


async def test_an_empty_pack_is_deleted(make_packs: Any) -> None:
    """Once no version refers to any slice, the object goes; released again, nothing changes."""
    packs = make_packs()
    pack = await packs.finished(FILES)
    keys = [pack.key_of(number) for number in pack.numbers]
    for _ in range(2):
        await packs.releaser.release_slices([*keys, "accounts/a1/uploads/u1/content", "accounts/a1/packs/none/1"])
        await packs.workflow.run_once()
    assert not packs.store.objects


async def test_release_names_the_account(make_packs: Any) -> None:
    """A slice of another account's pack of that id is none of this pack."""
    packs = make_packs()
    pack = await packs.finished(FILES)
    await packs.releaser.release_slices([pack.key_of(0).replace("/a1/", "/a2/")])
    assert packs.packs.packs[pack.id].live == (0, 1, 2)


async def test_answers_are_forgotten(make_packs: Any) -> None:
    """After their time they take no room any more; the slices live on, and are compacted as ever."""
    packs = make_packs()
    pack = await packs.finished({f"/{number}": bytes([number]) * 60_000 for number in range(8)})
    packs.world.pass_time(31 * 86_400)
    await packs.workflow.run_once()
    kept = packs.packs.packs[pack.id]
    assert (kept.declared, kept.answers, kept.next_check_at) == (None, None, None)
    with pytest.raises(Problem):
        await packs.service.get(packs.world.person, pack.id)
    await packs.releaser.release_slices([pack.key_of(number) for number in range(5)])
    await packs.workflow.run_once()
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
    return Pack(
        "p1", "a1", "", "/", tuple(numbers), tuple(file["size"] for file in files), orjson.dumps(list(files)),
        "initiated", 1, moment, moment, None,
    )  # fmt: skip


def test_common_folder() -> None:
    """The nearest folder above all; of one file its path."""
    assert common_folder(["/a/b/1", "/a/b/2"]) == "/a/b"
    assert common_folder(["/a/b/1", "/a/c"]) == "/a"
    assert common_folder(["/1", "/a/2"]) == "/"
    assert common_folder(["/a/1"]) == "/a/1"


SLICE = COMPACT_ABOVE // 5


class PackLife(RuleBasedStateMachine):
    """Releases, looks of the workflow, slow compactors that write late and die, in any order."""

    def __init__(self, make_packs: Callable[..., PackWorld], run: Callable[[Any], Any]) -> None:
        super().__init__()
        self.run, self.packs = run, make_packs()
        self.contents = {f"/{number}": bytes([number]) * SLICE for number in range(8)}
        self.pack = run(self.packs.finished(self.contents))
        self.referred = set(self.pack.numbers)
        self.slow: list[bytes] = []

    @property
    def object(self) -> bytes | None:
        content: bytes | None = self.packs.store.objects.get(self.pack.object_key)
        return content

    @rule(numbers=st.sets(st.integers(0, 7), min_size=1, max_size=4))
    def release(self, numbers: set[int]) -> None:
        self.referred -= numbers
        self.run(self.packs.releaser.release_slices([self.pack.key_of(number) for number in numbers]))

    @rule()
    def look(self) -> None:
        self.run(self.packs.workflow.run_once())

    @rule()
    def time_passes(self) -> None:
        self.packs.world.pass_time(61)

    @precondition(lambda self: self.object is not None and self.referred)
    @rule()
    def begin_slow_compaction(self) -> None:
        """Another instance, which has read pack and object and writes whenever it comes to it."""
        assert self.object is not None
        self.slow.append(compacted(self.object, self.packs.packs.packs[self.pack.id].live))

    @precondition(lambda self: self.slow and self.pack.id not in self.packs.packs.purged)
    @rule()
    def end_slow_compaction(self) -> None:
        self.packs.store.objects[self.pack.object_key] = self.slow.pop(0)

    @invariant()
    def every_live_slice_is_readable(self) -> None:
        for number in self.referred:
            assert self.object is not None
            assert slice_of(self.object, number) == bytes([number]) * SLICE

    def teardown(self) -> None:
        """Given time, what is dead is gone."""
        for _ in range(4):
            self.packs.world.pass_time(90_000)
            self.run(self.packs.workflow.run_once())
        live = SLICE * len(self.referred)
        assert len(self.object or b"") <= max(2 * live, COMPACT_ABOVE) + 200
        assert (self.object is None) == (not self.referred)


def test_any_life_of_a_pack(make_packs: Any) -> None:
    """Live bytes of every live slice are always readable, and dead ones do not stay."""
    loop = asyncio.new_event_loop()
    try:
        run_state_machine_as_test(
            lambda: PackLife(make_packs, loop.run_until_complete),
            settings=settings(max_examples=100, stateful_step_count=30, deadline=None),
        )
    finally:
        loop.close()

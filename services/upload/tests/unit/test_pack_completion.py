"""Completion of packs: results, events and stored state, also after failures."""

import orjson
import pytest
from pack_world import FILES, MakePacks

from docstore_platform.errors import DomainError
from docstore_upload.metrics import checked_total


async def test_a_pack_costs_one_question_each(make_packs: MakePacks) -> None:
    """However many files: one check, one reservation, one commit, one event at each end."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    assert [place["offset"] for place in pack["files"]] == [0, 3, 3]
    await packs.send(pack, list(FILES.values()))
    answers = await packs.complete(pack)
    assert [answer["file"]["path"] for answer in answers] == list(FILES)
    assert packs.services.metadata.calls == {"uploads/check": 1, "commits": 1}
    assert packs.services.quota.calls == {"reservations": 1}
    assert packs.published(pack["id"]) == ["pack-initiated", "pack-completed"]
    assert await packs.complete(pack) == answers
    assert packs.services.metadata.calls["commits"] == 1


async def test_each_file_names_its_slice(make_packs: MakePacks) -> None:
    """What metadata commits is an upload of its own, whose object is a slice."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    key = await packs.send(pack, list(FILES.values()))
    await packs.complete(pack)
    committed = [row["item"] for row in packs.services.metadata.committed.values()]
    assert [item["object_key"] for item in committed] == [f"{key}/{number}" for number in range(3)]
    assert [item["upload_id"] for item in committed] == [f"{pack['id']}-{number}" for number in range(3)]


async def test_a_wrong_slice_refuses_its_file_alone(make_packs: MakePacks) -> None:
    """The others are committed; the event contains how much of the reservation no file uses."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    await packs.send(pack, [b"one", b"", b"XXXXX"])
    answers = await packs.complete(pack)
    assert answers[2]["problem"]["code"] == "upload_mismatch"
    assert len(packs.services.metadata.committed) == 2
    completed = packs.world.transactor.events[-1]
    assert (completed.refused, completed.refused_size) == ((2,), 5)


async def test_an_invalid_pack_is_refused(make_packs: MakePacks) -> None:
    """An object whose index is not that of the files declared ends the pack, and is deleted."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    key = await packs.send(pack, list(FILES.values()))
    packs.store.objects[key] = packs.store.objects[key][:-1] + b"?"
    for _ in range(2):
        with pytest.raises(DomainError) as refused:
            await packs.complete(pack)
        assert refused.value.code == "upload_mismatch"
    assert packs.published(pack["id"]) == ["pack-initiated", "pack-aborted"]
    await packs.worker.run_once()
    assert not any(packs.store.objects.values())


async def test_metadata_refuses_a_file(make_packs: MakePacks) -> None:
    """A refusal at the commit is that file's answer; its slice lives no longer once all is settled, and is deleted."""
    packs = make_packs()
    packs.services.metadata.refusals["/a/1.txt"] = {"status": 404, "code": "not_found", "detail": "gone"}
    pack = await packs.initiate(FILES)
    await packs.send(pack, list(FILES.values()))
    answers = await packs.complete(pack)
    assert answers[0]["problem"]["code"] == "target_gone"
    stored = packs.packs.stored[pack["id"]]
    assert stored.live == (0, 1, 2)
    packs.world.pass_time(60)
    await packs.worker.run_once()
    assert packs.packs.stored[pack["id"]].live == (1, 2)
    await packs.worker.run_once()
    assert len(packs.store.objects[stored.object_key]) == len(b"three") + 2 * 12 + 8


async def test_a_commit_counts_more_than_a_refusal(make_packs: MakePacks) -> None:
    """Two complete at once and one is refused a file that the other commits: the file is there, its slice lives."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    await packs.send(pack, list(FILES.values()))
    metadata = packs.services.metadata
    metadata.crash_after_commit = True
    with pytest.raises(RuntimeError):
        await packs.complete(pack)
    committing = packs.packs.stored[pack["id"]]
    metadata.crash_after_commit = False
    metadata.refusals["/a/1.txt"] = {"status": 404, "code": "not_found", "detail": "gone"}
    assert "problem" in (await packs.complete(pack))[0]
    metadata.refusals.clear()
    answers = orjson.loads((await packs.completer.complete([committing], "workflow"))[committing.id])
    await packs.world.drain()
    assert "file" in answers[0]
    packs.world.pass_time(60)
    await packs.worker.run_once()
    assert packs.packs.stored[pack["id"]].live == (0, 1, 2)


async def test_killed_after_the_commit(make_packs: MakePacks) -> None:
    """A completion that died between metadata's commit and its own is finished by the workflow, once."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    await packs.send(pack, list(FILES.values()))
    packs.services.metadata.crash_after_commit = True
    with pytest.raises(RuntimeError):
        await packs.complete(pack)
    packs.services.metadata.crash_after_commit = False
    packs.world.pass_time(60)
    await packs.worker.run_once()
    assert packs.published(pack["id"]) == ["pack-initiated", "pack-completed"]
    assert len(await packs.complete(pack)) == 3


async def test_completed_in_the_clients_absence(make_packs: MakePacks) -> None:
    """A client that sends its pack and never calls again."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    packs.world.pass_time(120)
    await packs.worker.run_once()
    await packs.send(pack, list(FILES.values()))
    packs.world.pass_time(900)
    await packs.worker.run_once()
    shown = await packs.service.get(packs.world.person, pack["id"])
    assert shown["state"] == "completed"
    assert packs.world.transactor.events[-1].completed_by == "workflow"


async def test_a_check_that_could_publish_nothing_does_not_count(make_packs: MakePacks) -> None:
    """While metadata is away the pack is not stalled: its events are published again once it is back."""
    packs = make_packs(settle_attempts=2)
    pack = await packs.initiate(FILES)
    await packs.send(pack, list(FILES.values()))
    await packs.complete(pack)
    packs.services.indexer.settled, packs.services.metadata.down = set(), True
    for _ in range(5):
        packs.world.pass_time(4_000)
        with pytest.raises(DomainError):
            await packs.worker.run_once()
    packs.services.metadata.down = False
    packs.world.pass_time(4_000)
    await packs.worker.run_once()
    assert packs.services.metadata.republished
    assert packs.published(pack["id"])[-1] == "pack-completed"


async def test_final_check_asks_again_for_what_is_missing(make_packs: MakePacks) -> None:
    """Only events that a service is not done with are republished; then the pack stalls, once, and is settled late."""
    packs = make_packs(settle_attempts=2)
    pack = await packs.initiate(FILES)
    await packs.send(pack, list(FILES.values()))
    await packs.complete(pack)
    events = list(packs.packs.stored[pack["id"]].file_event_ids)
    packs.services.indexer.settled = set(events[:2])
    packs.world.pass_time(60)
    await packs.worker.run_once()
    assert packs.services.metadata.republished == events[2:]
    stalled, acknowledged = (checked_total.labels(each) for each in ("stalled", "acknowledged"))
    before = stalled._value.get(), acknowledged._value.get()
    packs.world.pass_time(4_000)
    await packs.worker.run_once()
    assert packs.published(pack["id"])[-1] == "pack-stalled"
    packs.services.indexer.settled = None
    packs.world.pass_time(4_000)
    await packs.worker.run_once()
    assert packs.packs.stored[pack["id"]].settled
    assert (stalled._value.get() - len(FILES), acknowledged._value.get()) == before

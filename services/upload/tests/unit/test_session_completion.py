"""Ending uploads, where fakes cause a failure more easily than servers."""

import asyncio
from typing import Any

import pytest
from upload_world import MakeWorld, World, complete, initiate

from docstore_platform.errors import DomainError
from docstore_platform.http.problems import Problem, problem_of
from docstore_upload.lifecycle.rules import MIB
from docstore_upload.sessions.schemas import BatchCompleteItem, InitiateRequest


async def test_large_object_is_hashed_once(make_world: MakeWorld) -> None:
    """While a large object is being read `complete` returns 503; all callers wait for the one reading."""
    world = make_world(complete_wait_seconds=0.01)
    upload = await initiate(world, size=2 * MIB)
    key = world.uploads.stored[upload["id"]].object_key
    world.store.objects[key] = b"x" * (2 * MIB)
    gate, read = asyncio.Event(), world.store.sha256_of

    async def slow(key: str) -> Any:
        await gate.wait()
        return await read(key)

    world.store.sha256_of = slow
    outcomes = await asyncio.gather(*(complete(world, upload["id"]) for _ in range(3)))
    assert [(problem_of(outcome).status, outcome.code) for outcome in outcomes] == [(503, "verifying")] * 3
    gate.set()
    await asyncio.gather(*world.verifier._reading.values())
    assert world.uploads.stored[upload["id"]].found is not None
    file = await complete(world, upload["id"])
    assert (file["path"], world.store.reads) == ("/a.txt", 1)


async def test_abort_while_committing(make_world: MakeWorld) -> None:
    """An upload whose commit has begun can't be given up: its file may exist already."""
    world = make_world()
    upload = await initiate(world)
    world.store.objects[world.uploads.stored[upload["id"]].object_key] = b"right"
    world.services.metadata.crash_after_commit = True
    with pytest.raises(RuntimeError):
        await complete(world, upload["id"])
    with pytest.raises(DomainError) as refused:
        await world.service.abort(world.person, upload["id"])
    assert refused.value.code == "upload_completed"


async def test_a_file_is_answered_before_its_upload_is_finished(make_world: MakeWorld) -> None:
    """Its client never reads that it is still uploading; what couldn't be finished is, once, by the worker."""
    world = make_world()
    upload_id = await sent(world, "/a.txt")
    world.transactor.down = True
    file = await complete(world, upload_id)
    assert world.uploads.stored[upload_id].state == "committing"
    shown = await world.service.get(world.person, upload_id)
    assert (shown["state"], shown["file"]) == ("completed", file)
    assert await complete(world, upload_id) == file
    await world.drain()
    world.transactor.down = False
    world.pass_time(60)
    await world.worker.run_once()
    assert world.uploads.stored[upload_id].state == "completed"
    assert world.published(upload_id) == ["upload-initiated", "upload-completed"]


async def test_the_worker_waits_only_for_what_was_begun_before(make_world: MakeWorld) -> None:
    """However many uploads go on being completed, waiting for those under way ends."""
    world = make_world()
    first, second = [await sent(world, f"/{number}.txt") for number in range(2)]
    turns, run = [asyncio.Event(), asyncio.Event()], world.transactor.run
    waiting = iter(turns)

    async def in_turn(work: Any) -> Any:
        await next(waiting).wait()
        return await run(work)

    world.transactor.run = in_turn
    await world.service.complete(world.person, [BatchCompleteItem(id=first)])
    drained = asyncio.create_task(world.completer.finisher.drain())
    await asyncio.sleep(0)
    await world.service.complete(world.person, [BatchCompleteItem(id=second)])
    turns[0].set()
    await asyncio.wait_for(drained, 60)
    assert [world.uploads.stored[upload_id].state for upload_id in (first, second)] == ["completed", "committing"]
    turns[1].set()
    await world.drain()
    assert world.uploads.stored[second].state == "completed"


async def test_an_upload_that_metadata_may_have_committed_is_shown_as_uploading(make_world: MakeWorld) -> None:
    """While metadata can't be asked, reading an upload that is being committed changes nothing."""
    world = make_world()
    upload_id = await sent(world, "/a.txt")
    world.services.metadata.crash_after_commit = True
    with pytest.raises(RuntimeError):
        await complete(world, upload_id)
    world.services.metadata.crash_after_commit, world.services.metadata.down = False, True
    assert (await world.service.get(world.person, upload_id))["state"] == "uploading"
    world.services.metadata.down = False
    assert (await world.service.get(world.person, upload_id))["state"] == "completed"


async def test_reading_an_upload_that_metadata_refuses_by_now(make_world: MakeWorld) -> None:
    """It ends then, as by `complete`: bytes and reservation are gone, and it is shown with the reason."""
    world = make_world()
    upload_id = await sent(world, "/a.txt")
    world.services.metadata.down = True
    assert (await complete(world, upload_id)).is_temporary
    world.services.metadata.down = False
    world.services.metadata.refusals["/a.txt"] = {"status": 404, "code": "not_found", "detail": "There is no folder."}
    shown = await world.service.get(world.person, upload_id)
    assert (shown["state"], shown["problem"]["code"]) == ("aborted", "target_gone")
    assert not any(world.store.objects.values())
    assert world.published(upload_id) == ["upload-initiated", "upload-aborted"]


async def test_a_check_that_could_publish_nothing_does_not_count(make_world: MakeWorld) -> None:
    """While metadata is away nothing is published again; once it is back all is, before anything counts as stalled."""
    world = make_world(settle_attempts=2)
    upload = await initiate(world)
    world.store.objects[world.uploads.stored[upload["id"]].object_key] = b"right"
    await complete(world, upload["id"])
    world.services.media.settled, world.services.metadata.down = set(), True
    for _ in range(5):
        world.pass_time(3_700)
        with pytest.raises(DomainError):
            await world.worker.run_once()
    assert world.uploads.stored[upload["id"]].missing == ()
    world.services.metadata.down = False
    world.pass_time(3_700)
    await world.worker.run_once()
    assert world.services.metadata.republished
    assert world.published(upload["id"])[-1] == "upload-completed"


async def test_final_check_asks_for_many_at_once(make_world: MakeWorld) -> None:
    """Fifty completed uploads are one query to each service, and one request to republish what is missing."""
    world = make_world(settle_first_delay_seconds=30)
    for _ in range(50):
        upload = await initiate(world)
        world.store.objects[world.uploads.stored[upload["id"]].object_key] = b"right"
        await complete(world, upload["id"])
    world.services.notify.settled = set()
    world.services.quota.down = True
    world.pass_time(31)
    world.services.metadata.calls.clear()
    world.services.quota.calls.clear()
    await world.worker.run_once()
    assert world.services.quota.calls == {"events/settled": 1}
    assert world.services.metadata.calls == {"events/republish": 1}
    assert len(world.republished) == len(set(world.republished)) == 50
    world.services.notify.settled, world.services.quota.down = None, False
    world.pass_time(61)
    await world.worker.run_once()
    assert len(world.uploads.purged) == 50


@pytest.mark.parametrize("method", ["put", "form"])
async def test_a_crash_after_settling_never_costs_the_object(make_world: MakeWorld, method: str) -> None:
    """An instance that takes over a settled upload, whose next check was not stored, deletes nothing committed."""
    world = make_world(settle_first_delay_seconds=30)
    upload = await initiate(world, method=method)
    world.store.objects[world.uploads.stored[upload["id"]].sent_key] = b"right"
    await complete(world, upload["id"])
    world.pass_time(31)
    recheck = world.uploads.recheck

    async def crash(*_: Any) -> None:
        raise RuntimeError("killed")

    world.uploads.recheck = crash
    with pytest.raises(RuntimeError):
        await world.worker.run_once()
    world.uploads.recheck = recheck
    world.pass_time(world.settings.lease_seconds + 1)
    await world.worker.run_once()
    assert world.uploads.stored[upload["id"]].settled
    assert world.store.objects == {world.uploads.stored[upload["id"]].object_key: b"right"}
    world.pass_time(world.settings.lifetime_seconds + world.settings.sweep_delay_seconds)
    await world.worker.run_once()
    assert world.store.objects == {world.uploads.stored[upload["id"]].object_key: b"right"}
    assert upload["id"] in world.uploads.purged


async def sent(world: World, path: str, content: bytes = b"right") -> str:
    """An upload whose bytes have arrived."""
    request = InitiateRequest(path=path, size=len(content), method="put")
    upload_id = str((await world.service.initiate(world.person, [request]))[0]["id"])
    world.store.objects[world.uploads.stored[upload_id].object_key] = content
    return upload_id


async def test_one_upload_that_metadata_cannot_take_holds_up_no_other(make_world: MakeWorld) -> None:
    """Commits go together; where that fails those that can be committed are."""
    world = make_world()
    ids = [await sent(world, f"/{number}.txt") for number in range(5)]
    commit = world.services.metadata._commit

    def one_breaks(item: Any) -> Any:
        if item["upload_id"] == ids[2]:
            raise Problem(500, "internal_error", "a mistake of metadata's")
        return commit(item)

    world.services.metadata._commit = one_breaks
    world.pass_time(60)
    await world.worker.run_once()
    states = [world.uploads.stored[upload_id].state for upload_id in ids]
    assert states == ["completed", "completed", "committing", "completed", "completed"]


async def test_one_object_that_cannot_be_looked_at_holds_up_no_other(make_world: MakeWorld) -> None:
    """Whatever goes wrong in looking at one object, the workflow goes on with the rest, and looks at it again."""
    world = make_world()
    ids = [await sent(world, f"/{number}.txt") for number in range(3)]
    strange, get = world.uploads.stored[ids[1]].object_key, world.store.get

    async def stumble(key: str) -> Any:
        if key == strange:
            raise ValueError("not what we know an answer to look like")
        return await get(key)

    world.store.get = stumble
    world.pass_time(60)
    await world.worker.run_once()
    assert [world.uploads.stored[upload_id].state for upload_id in ids] == ["completed", "initiated", "completed"]
    assert world.uploads.stored[ids[1]].next_check_at > world.now


async def test_a_share_revoked_before_the_end(make_world: MakeWorld) -> None:
    """The upload ends: 409 `target_gone` now and later, the object is deleted, the reservation released."""
    world = make_world()
    world.services.metadata.owners["folder"] = "owner"
    request = InitiateRequest(path="/a.txt", parent_id="folder", size=5, method="put")
    [upload] = await world.service.initiate(world.person, [request])
    world.store.objects[world.uploads.stored[upload["id"]].object_key] = b"right"
    world.services.metadata.refusals["/a.txt"] = {
        "status": 404,
        "code": "not_found",
        "detail": "There is no such folder.",
    }
    for _ in range(2):
        outcome = await complete(world, upload["id"])
        assert (problem_of(outcome).status, outcome.code) == (409, "target_gone")
    assert not any(world.store.objects.values())
    assert world.published(upload["id"]) == ["upload-initiated", "upload-aborted"]
    aborted = world.transactor.events[-1]
    assert (aborted.account_id, aborted.reason) == ("owner", "target_gone")
    shown = await world.service.get(world.person, upload["id"])
    assert (shown["state"], shown["problem"]["code"]) == ("aborted", "target_gone")


async def described(world: World, sent: dict[str, str], **wishes: Any) -> Any:
    """What metadata is asked to commit for an upload whose object has this metadata; or why it is refused."""
    request = InitiateRequest(path="/a.txt", size=5, **wishes)
    [upload] = await world.service.initiate(world.person, [request])
    assert isinstance(upload, dict)
    key = world.uploads.stored[upload["id"]].sent_key
    world.store.objects[key], world.store.metadata[key] = b"right", sent
    outcome = await complete(world, upload["id"])
    if isinstance(outcome, DomainError):
        assert world.uploads.stored[upload["id"]].state == "aborted"
        assert world.services.metadata.committed == {}
        return outcome.code
    return world.services.metadata.committed[upload["id"]]["item"]["metadata"]


@pytest.mark.parametrize(
    ("wishes", "sent", "kept"),
    [
        ({"method": "put"}, {"author": "Eve"}, None),
        ({"method": "put", "metadata": {}}, {}, {}),
        ({"method": "form", "metadata": {"author": "Ada"}}, {"author": "Eve"}, {"author": "Ada"}),
        (
            {"method": "form", "metadata_fields": ["author"]},
            {"author": "=?UTF-8?Q?Gr=C3=B6=C3=9Fe?="},
            {"author": "Größe"},
        ),
        ({"method": "form", "metadata_fields": ["author"]}, {"author": "  ", "other": "x"}, {}),
        ({"method": "form", "metadata_fields": ["author"]}, {"author": "x" * 257}, "invalid_metadata"),
    ],
)
async def test_metadata_is_declared_or_that_of_the_object(
    make_world: MakeWorld, wishes: Any, sent: dict[str, str], kept: Any
) -> None:
    """The object's counts only for fields of a form that the person fills in."""
    assert await described(make_world(), sent, **wishes) == kept


async def test_concurrent_completions_share_their_writes(make_world: MakeWorld) -> None:
    """Calls that wait for one another are claimed and finished together, each with its own result and events."""
    world = make_world()
    uploads = [await initiate(world, path=f"/{number}") for number in range(5)]
    for upload in uploads:
        world.store.objects[world.uploads.stored[upload["id"]].object_key] = b"hello"
    transactions = 0
    run = world.transactor.run

    async def counted(work: Any) -> Any:
        nonlocal transactions
        transactions += 1
        await asyncio.sleep(0)
        return await run(work)

    world.transactor.run = counted
    items = [[BatchCompleteItem(id=upload["id"])] for upload in uploads]
    files = await asyncio.gather(*(world.service.complete(world.person, item) for item in items))
    await world.drain()
    assert [file["path"] for [file] in files] == [f"/{number}" for number in range(5)]
    assert {tuple(world.published(upload["id"])) for upload in uploads} == {("upload-initiated", "upload-completed")}
    assert transactions < len(uploads)

"""Use cases whose failures are easier to cause with fakes than with servers."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from upload_world import MakeWorld, World

from docstore_platform.errors import DomainError
from docstore_platform.http.problems import Problem, problem_of
from docstore_upload.lifecycle.rules import MIB
from docstore_upload.sessions.schemas import BatchCompleteItem, InitiateRequest, PartsRequest


async def initiate(world: World, size: int = 5, method: str = "put", path: str = "/a.txt") -> Any:
    request = InitiateRequest(path=path, size=size, method=method)
    return (await world.service.initiate(world.person, [request]))[0]


async def complete(world: World, upload_id: str) -> Any:
    return (await world.service.complete(world.person, [BatchCompleteItem(id=upload_id)]))[0]


async def test_store_failure_at_the_beginning_gives_the_reservation_back(make_world: MakeWorld) -> None:
    """A multipart upload that the store can't begin is 503, reserves nothing and is not kept."""
    world = make_world()
    world.store.down = True
    outcome = await initiate(world, method="multipart")
    assert (problem_of(outcome).status, world.services.quota.reserved, world.uploads.stored) == (503, {}, {})


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


async def test_means_end_with_the_upload(make_world: MakeWorld) -> None:
    """Asked for again later, a URL works for the time that is left, not longer."""
    world = make_world(lifetime_seconds=100)
    upload = await initiate(world)
    assert "X-Amz-Expires=100&" in upload["put"]["url"]
    world.pass_time(40)
    again = await world.service.get(world.person, upload["id"])
    assert "X-Amz-Expires=60&" in again["put"]["url"]


async def test_parts_of_an_upload_that_has_none(make_world: MakeWorld) -> None:
    """Part URLs are for multipart uploads that are open, and for parts that exist."""
    world = make_world()
    put, multipart = await initiate(world), await initiate(world, method="multipart")
    for upload_id, numbers, code in (
        (put["id"], [1], "unsupported_method"),
        (multipart["id"], [2], "invalid_parts"),
    ):
        with pytest.raises(DomainError) as refused:
            await world.service.parts(world.person, upload_id, PartsRequest(numbers=numbers))
        assert refused.value.code == code
    await world.service.abort(world.person, multipart["id"])
    with pytest.raises(DomainError) as refused:
        await world.service.parts(world.person, multipart["id"], PartsRequest(numbers=[1]))
    assert refused.value.code == "upload_aborted"


async def test_parts_may_differ_in_length(make_world: MakeWorld) -> None:
    """Each URL takes just the size that was asked for; together no more than the upload has, one size for each."""
    world = make_world()
    upload = await initiate(world, method="multipart", size=5)
    wanted = PartsRequest(numbers=[1, 2], sizes=[3, 2])
    plan = await world.service.parts(world.person, upload["id"], wanted)
    assert [(part["number"], part["size"]) for part in plan["parts"]] == [(1, 3), (2, 2)]
    for numbers, sizes in (([1, 2], [3, 3]), ([1, 2], [5])):
        with pytest.raises(DomainError) as refused:
            await world.service.parts(world.person, upload["id"], PartsRequest(numbers=numbers, sizes=sizes))
        assert refused.value.code == "invalid_parts"


async def test_what_is_known_late_is_declared_with_the_parts(make_world: MakeWorld) -> None:
    """Of the checksum only one, of the time the last; both are the version's."""
    world = make_world()
    upload = await initiate(world, method="multipart", size=5)
    modified_at = datetime(2026, 1, 2, tzinfo=UTC)
    wanted = PartsRequest(numbers=[1], sha256="a" * 64, client_modified_at=modified_at)
    await world.service.parts(world.person, upload["id"], wanted)
    stored = world.uploads.stored[upload["id"]]
    assert (stored.sha256, stored.client_modified_at) == ("a" * 64, modified_at)
    with pytest.raises(DomainError) as refused:
        await world.service.parts(world.person, upload["id"], PartsRequest(numbers=[1], sha256="b" * 64))
    assert refused.value.code == "sha256_declared"


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


async def test_a_session_that_cannot_be_stored_releases_its_reservation(make_world: MakeWorld) -> None:
    """Else a person whose tries fail here would have no room left for a day."""
    world = make_world()

    async def fail(uploads: Any) -> None:
        raise RuntimeError("the database takes nothing")

    world.uploads.insert = fail
    for method in ("put", "multipart"):
        with pytest.raises(RuntimeError, match="takes nothing"):
            await initiate(world, method=method)
    assert (world.services.quota.reserved, world.store.multiparts) == ({}, {})


async def test_a_stored_session_keeps_its_reservation_whatever_fails_then(make_world: MakeWorld) -> None:
    """A commit whose answer was lost has been made all the same: the upload is there, and so is its room."""
    world = make_world()
    insert = world.uploads.insert

    async def lose_the_answer(uploads: Any) -> None:
        await insert(uploads)
        raise RuntimeError("no answer")

    world.uploads.insert = lose_the_answer
    with pytest.raises(RuntimeError, match="no answer"):
        await initiate(world)
    assert set(world.services.quota.reserved) == set(world.uploads.stored)


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


async def test_an_upload_below_a_shared_folder(make_world: MakeWorld) -> None:
    """Room is reserved with the folder's owner and the object is under their prefix; the session is the uploader's."""
    world = make_world()
    world.services.metadata.owners["folder"] = "owner"
    request = InitiateRequest(path="/a.txt", parent_id="folder", size=5, method="put")
    [upload] = await world.service.initiate(world.person, [request])
    session = world.uploads.stored[upload["id"]]
    assert (session.owner_id, session.account_id) == ("owner", "a1")
    assert session.object_key.startswith("accounts/owner/")
    world.store.objects[session.object_key] = b"right"
    assert (await complete(world, upload["id"]))["path"] == "/a.txt"
    assert world.services.metadata.committed[upload["id"]]["item"]["parent_id"] == "folder"
    completed = world.transactor.events[-1]
    assert (completed.account_id, completed.uploaded_by) == ("owner", "a1")


async def test_an_editor_learns_nothing_of_the_owner_s_storage(make_world: MakeWorld) -> None:
    """Only that it does not fit; for their own storage the answer contains how full it is."""
    world = make_world()
    world.services.metadata.owners["folder"] = "owner"
    world.services.quota.limit = 4
    requests = [InitiateRequest(path="/a.txt", parent_id=folder, size=5, method="put") for folder in ("folder", None)]
    below, own = await world.service.initiate(world.person, requests)
    assert (below.code, own.code) == ("over_quota", "over_quota")
    assert ("usage" in below.extra, "usage" in own.extra) == (False, True)


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


async def test_parent_id_is_for_paths(make_world: MakeWorld) -> None:
    """With a file_id it is 422."""
    world = make_world()
    request = InitiateRequest(file_id="f", parent_id="folder", size=5, method="put")
    [refused] = await world.service.initiate(world.person, [request])
    assert (problem_of(refused).status, refused.code) == (422, "invalid_request")


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


async def test_more_metadata_than_an_object_can_have_is_the_files_alone(make_world: MakeWorld) -> None:
    """A PUT is signed with all of it or none."""
    world = make_world()
    few, many = {"a": "x", "b": "y"}, {f"name-{number}": "x" * 256 for number in range(8)}
    for pairs, names in ((few, ["x-amz-meta-a", "x-amz-meta-b"]), (many, [])):
        request = InitiateRequest(path="/a.txt", size=5, method="put", metadata=pairs)
        [upload] = await world.service.initiate(world.person, [request])
        assert isinstance(upload, dict)
        assert [name for name in upload["put"]["headers"] if name.startswith("x-amz-meta-")] == names


async def test_the_initiation_of_a_slow_upload_is_published_before_its_end(make_world: MakeWorld) -> None:
    """Its event travels with the session: the worker publishes it after seconds, without counting that as a check."""
    world = make_world()
    upload = await initiate(world)
    assert world.published(upload["id"]) == []
    world.pass_time(2)
    await world.worker.run_once()
    stored = world.uploads.stored[upload["id"]]
    assert world.published(upload["id"]) == ["upload-initiated"]
    first_check = stored.created_at + timedelta(seconds=world.settings.check_first_delay_seconds)
    assert (stored.next_check_at, stored.attempts) == (first_check, 0)
    await world.service.abort(world.person, upload["id"])
    assert world.published(upload["id"]) == ["upload-initiated", "upload-aborted"]


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
    assert [file["path"] for [file] in files] == [f"/{number}" for number in range(5)]
    assert {tuple(world.published(upload["id"])) for upload in uploads} == {("upload-initiated", "upload-completed")}
    assert transactions < len(uploads)

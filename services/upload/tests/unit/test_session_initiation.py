"""Beginning uploads, and instructions to send, where fakes cause a failure more easily than servers."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from upload_world import MakeWorld, complete, initiate

from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_upload.lifecycle.rules import MIB
from docstore_upload.sessions.schemas import InitiateRequest, PartsRequest


async def test_store_failure_at_the_beginning_gives_the_reservation_back(make_world: MakeWorld) -> None:
    """A multipart upload that the store can't begin is 503, reserves nothing and is not kept."""
    world = make_world()
    world.store.down = True
    outcome = await initiate(world, method="multipart")
    assert (problem_of(outcome).status, world.services.quota.reserved, world.uploads.stored) == (503, {}, {})


async def test_quota_reserves_while_metadata_checks(make_world: MakeWorld) -> None:
    """For a path from the caller's root, both are asked at once."""
    world = make_world()
    is_reserved, check, reserve = asyncio.Event(), world.services.metadata._check, world.services.quota.call

    async def checking(method: str, path: str, body: Any = None) -> Any:
        await is_reserved.wait()
        return {"results": [check(body["account_id"], item) for item in body["items"]]}

    async def reserving(method: str, path: str, body: Any = None) -> Any:
        is_reserved.set()
        return await reserve(method, path, body)

    world.services.metadata.call, world.services.quota.call = checking, reserving
    upload = await initiate(world)
    assert world.services.quota.reserved == {upload["id"]: 5}


async def test_refused_files_take_no_room_from_others(make_world: MakeWorld) -> None:
    """What metadata refuses stays reserved for nothing, and another file of the same request fits in its place."""
    world = make_world()
    world.services.quota.limit = 5
    requests = [InitiateRequest(path=path, size=5, method="put") for path in ("/../a", "/b")]
    refused, upload = await world.service.initiate(world.person, requests)
    assert isinstance(refused, DomainError)
    assert refused.code == "invalid_path"
    assert world.services.quota.reserved == {upload["id"]: 5}


async def test_nothing_stays_reserved_when_metadata_cannot_be_asked(make_world: MakeWorld) -> None:
    """The request fails, and what quota has reserved meanwhile is given back."""
    world = make_world()
    world.services.metadata.down = True
    with pytest.raises(DomainError):
        await initiate(world)
    assert world.services.quota.reserved == {}


async def test_what_metadata_refuses_needs_no_quota(make_world: MakeWorld) -> None:
    """While quota is away, a request that metadata refuses is refused; another fails."""
    world = make_world()
    world.services.quota.down = True
    refused = await initiate(world, path="/../a")
    assert refused.code == "invalid_path"
    with pytest.raises(DomainError):
        await initiate(world)
    assert world.uploads.stored == {}


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


async def test_parts_of_given_sizes_are_signed_a_few_times(make_world: MakeWorld) -> None:
    """Ten times the upload's bytes and a little, then it ends; parts of the planned size as often as one likes."""
    world = make_world()
    upload = await initiate(world, method="multipart", size=MIB)
    for number in range(1, 12):
        await world.service.parts(world.person, upload["id"], PartsRequest(numbers=[number], sizes=[MIB]))
        await world.service.parts(world.person, upload["id"], PartsRequest(numbers=[1]))
    with pytest.raises(DomainError) as refused:
        await world.service.parts(world.person, upload["id"], PartsRequest(numbers=[12], sizes=[1]))
    assert refused.value.code == "upload_mismatch"
    assert world.published(upload["id"]) == ["upload-initiated", "upload-aborted"]
    assert world.store.multiparts == {}


async def test_calls_that_are_refused_count_no_signed_bytes(make_world: MakeWorld) -> None:
    """Of another checksum than the declared one: nothing is signed, however often."""
    world = make_world()
    upload = await initiate(world, method="multipart", size=MIB)
    await world.service.parts(world.person, upload["id"], PartsRequest(numbers=[1], sha256="a" * 64))
    wanted = PartsRequest(numbers=[1], sizes=[MIB], sha256="b" * 64)
    for _ in range(12):
        with pytest.raises(DomainError) as refused:
            await world.service.parts(world.person, upload["id"], wanted)
        assert refused.value.code == "sha256_declared"


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


async def test_parent_id_is_for_paths(make_world: MakeWorld) -> None:
    """With a file_id it is 422."""
    world = make_world()
    request = InitiateRequest(file_id="f", parent_id="folder", size=5, method="put")
    [refused] = await world.service.initiate(world.person, [request])
    assert (problem_of(refused).status, refused.code) == (422, "invalid_request")


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

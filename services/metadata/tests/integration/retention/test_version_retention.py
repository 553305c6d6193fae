"""Old versions past their retention are pruned, by age and by number."""

from datetime import timedelta
from typing import Any

import pytest
from metadata_stack import Stack
from profiled import deletions_of, reads_of
from retention_sweeps import RETENTION, clock_off_by, make_old, sweeping, throw_away, trash, versions

from docstore_metadata.versions.documents import version_id
from docstore_platform.clock import utc_now

pytestmark = pytest.mark.connected


async def test_old_versions_are_pruned_by_time_since_replacement(stack: Stack) -> None:
    """Not since their creation: every state of the last ten days is kept, and always the current one."""
    async with stack.run(version_days=10):
        sweeps = sweeping(stack, version_days=10)
        for size in (1, 2, 3):
            file = await stack.put("/a.txt", b"x" * size)
        alone = await stack.put("/alone.txt")
        await stack.database["versions"].update_many({}, {"$set": {"created": utc_now() - timedelta(days=900)}})
        assert await sweeps.at(9.99) == 0
        await stack.database["versions"].update_one(
            {"node": file["id"], "number": 3}, {"$set": {"came_at": utc_now() + timedelta(days=5)}}
        )
        assert await sweeps.at(10.01) == 1
        assert await versions(stack, file) == [3, 2]
        assert await sweeps.at(14.9) == 0
        assert await sweeps.at(15.01) == 1
        assert await versions(stack, file) == [3]
        assert await versions(stack, alone) == [1]
        event = await stack.event(file["id"], "version-pruned")
        assert (event["pruned_version"], event["freed_bytes"], event["actor_id"]) == (2, 2, "")
        assert (await stack.person.get(file))["etag"] != file["etag"]
        assert await sweeps.at(5000) == 0


@pytest.mark.parametrize("count", [30, 300])
async def test_pruning_by_age_reads_what_it_deletes(stack: Stack, count: int) -> None:
    """And no more than the next few of the other versions, however many the file keeps."""
    async with stack.run(version_days=10):
        sweeps = sweeping(stack, version_days=10)
        file = await with_old_versions(stack, count, old=5)
        async with reads_of(stack.database, "versions", appName="test") as reads:
            assert await sweeps.at(0) == 1
        assert sum(reads.documents) == 8
        row = await stack.database["versions"].find_one({"node": file["id"]}, sort=[("number", 1)])
        node = await stack.database["nodes"].find_one({"_id": file["id"]})
        assert (row["number"], node["kept_versions"]) == (6, count - 5)
        assert await sweeps.at(9.9) == 0
        assert await sweeps.at(10.1) == 1
        assert await versions(stack, file) == [count]


async def test_many_outdated_versions_are_pruned_in_several_transactions(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each deletes a limited number, of several files together; the next sweep continues after a crash between them."""
    monkeypatch.setattr("docstore_metadata.retention.worker.VERSIONS_PAGE", 7)
    async with stack.run(version_days=10, retention_interval_seconds=0):
        sweeps = sweeping(stack, version_days=10)
        files = [await with_old_versions(stack, 20, old=10, path=path) for path in ("/a.txt", "/b.txt")]
        due = await sweeps.roots.next_due(utc_now())
        assert due is not None
        stored = stack.database["versions"]
        assert await sweeps.sweeper._step(due)
        assert await stored.count_documents({}) == 33
        assert await sweeps.at(0) == 1
        for file in files:
            assert await versions(stack, file) == list(range(20, 10, -1))
            assert (await stack.events(file["id"])).count("version-pruned") == 10


async def test_few_long_histories_are_pruned_and_purged_together(
    running: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a lower number of versions, and from the trash: the sweep continues until all that is due is deleted."""
    monkeypatch.setattr("docstore_metadata.versions.rules.HISTORIES_PAGE", 9)
    sweeps, person = sweeping(running), running.person
    paths = ["/a.txt", "/b.txt", "/c.txt"]
    files = [[await running.put(path) for _ in range(4)][-1] for path in paths]
    await person.ok("PUT", RETENTION, {"trash_days": 30, "versions": 3, "version_days": None})
    async with deletions_of(running.database, "versions") as deleted:
        assert await sweeps.at(1.01) == 1
    assert deleted == [2, 1]
    assert [len(await versions(running, file)) for file in files] == [3, 3, 3]
    monkeypatch.setattr("docstore_metadata.versions.rules.HISTORIES_PAGE", 6)
    for path in paths:
        await throw_away(running, path)
    async with deletions_of(running.database, "versions") as deleted:
        assert await sweeps.at(32) == 1
    assert deleted == [6, 3]
    assert await trash(person) == {}


async def with_old_versions(stack: Stack, count: int, *, old: int, path: str = "/a.txt") -> Any:
    """A file with so many versions, of which the first `old` were replaced long ago and the others today."""
    for _ in range(2):
        file = await stack.put(path)
    nodes, stored = stack.database["nodes"], stack.database["versions"]
    row = await stored.find_one({"node": file["id"], "number": 2})
    numbers, long_ago = range(3, count + 1), utc_now() - timedelta(days=20)
    objects = [{"_id": f"{file['id']} {number}", "refs": 1} for number in numbers]
    await stack.database["objects"].insert_many(objects)
    await stored.insert_many(
        [
            {**row, "_id": version_id(file["id"], number), "number": number, "object_key": each["_id"]}
            for number, each in zip(numbers, objects, strict=True)
        ]
    )
    first = {"node": file["id"], "number": {"$lte": old + 1}}
    await stored.update_many(first, {"$set": {"created": long_ago, "came_at": long_ago}})
    await nodes.update_one(
        {"_id": file["id"]}, {"$set": {"version": count, "kept_versions": count, "replaced_from": long_ago}}
    )
    await nodes.update_one({"_id": stack.person.account_id}, {"$set": {"versions_from": long_ago}})
    return file


async def test_a_lower_number_of_versions_prunes_all_files(running: Stack) -> None:
    """After the grace the surplus of every file is pruned; later a new version replaces another at once."""
    sweeps, person = sweeping(running), running.person
    for number in range(6):
        file, other = await running.put("/a.txt", b"x" * (number + 1)), await running.put("/b.txt")
    await person.ok("PUT", RETENTION, {"trash_days": 30, "versions": 3, "version_days": None})
    await running.put("/a.txt")
    assert len(await versions(running, file)) == 7
    assert await sweeps.at(0.99) == 0
    assert await sweeps.at(1.01) == 1
    for each, current in ((file, 7), (other, 6)):
        kept = await versions(running, each)
        assert (len(kept), kept[0], kept[-1]) == (3, current, 1)
        node = await running.database["nodes"].find_one({"_id": each["id"]})
        assert node["kept_versions"] == 3
    past = {"$set": {"retention.at": utc_now() - timedelta(days=2)}}
    await running.database["nodes"].update_one({"_id": person.account_id}, past)
    await running.put("/b.txt")
    assert (await versions(running, other))[:1] == [7]
    assert len(await versions(running, other)) == 3


async def test_a_slow_clock_makes_no_version_look_old(stack: Stack) -> None:
    """An instance a year behind restores a version: the replaced one is kept its full period."""
    async with stack.run(clock=clock_off_by(-365), version_days=10, retention_interval_seconds=0):
        sweeps = sweeping(stack, version_days=10)
        file = [await stack.put("/a.txt") for _ in range(2)][-1]
        await make_old(stack, days=900)
        await stack.person.ok("POST", f"/v1/files/{file['id']}/versions/1/restore")
        assert await sweeps.at(0) == 1
        assert await versions(stack, file) == [3, 2]
        assert await sweeps.at(9.9) == 0
        assert await sweeps.at(10.01) == 1
        assert await versions(stack, file) == [3]

"""Old versions past their retention are pruned, by age and by number."""

from datetime import timedelta

import pytest
from metadata_stack import Stack
from retention_sweeps import RETENTION, clock_off_by, make_old, sweeping, versions

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

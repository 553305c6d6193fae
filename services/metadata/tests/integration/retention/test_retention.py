"""Retention policies: chosen, shown, and carried out when their time has come; the sweeper's clock moves, not ours."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from docstore_events.accounts import AccountUpdated
from docstore_events.transaction import Transaction, Transactor
from docstore_metadata import app as metadata_app
from docstore_metadata.jobs.repository import Jobs
from docstore_metadata.retention.repository import Claim, RetentionStore
from docstore_metadata.retention.service import RetentionService
from docstore_metadata.retention.worker import RetentionSweeper
from docstore_metadata.settings import MetadataSettings
from docstore_metadata.storage import Store
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.versions.service import VersionService
from docstore_platform.clock import utc_now
from docstore_platform.testing import eventually
from docstore_work.lease_queue import LeaseLost

pytestmark = pytest.mark.connected

RETENTION = "/v1/me/retention"


@dataclass
class Sweeping:
    """A sweeper of its own beside the service's, so many days ahead."""

    sweeper: RetentionSweeper
    retention: RetentionStore
    move: Callable[[float], None]

    async def at(self, days: float) -> int:
        """Sweep until nothing is due; of how many accounts something was."""
        self.move(days)
        accounts = 0
        while await self.sweeper.sweep():
            accounts += 1
        return accounts


class Crashing(Transactor):
    """Crashes once, when a transaction is all written: before or after it is committed."""

    when: str | None = None

    async def run(self, work: Callable[[Transaction], Awaitable[Any]], *, lane: str | None = None) -> Any:
        async def crashing(transaction: Transaction) -> Any:
            result = await work(transaction)
            if self.when == "before":
                self.when = None
                raise ConnectionError("killed before the commit")
            return result

        result = await super().run(crashing, lane=lane)
        if self.when == "after":
            self.when = None
            raise ConnectionError("killed after the commit")
        return result


def sweeping(stack: Any, crash: str | None = None, **settings: Any) -> Sweeping:
    bounds = MetadataSettings(infra=stack.infra, **settings).retention
    store = Store(stack.database)
    retention = RetentionStore(store, bounds, lease_seconds=30)
    transactor = Crashing(stack.mongo, stack.database, "metadata", stack.infra.topic_prefix)
    transactor.when = crash
    ahead = timedelta()

    async def now() -> datetime:
        return utc_now() + ahead

    def move(days: float) -> None:
        nonlocal ahead
        ahead = timedelta(days=days)

    jobs = Jobs(store, lease_seconds=30)
    sweeper = RetentionSweeper(store, retention, Tree(store), transactor, jobs, bounds, now=now)
    return Sweeping(sweeper, retention, move)


async def throw_away(stack: Any, path: str) -> Any:
    file = await stack.person.at(path)
    await stack.person.ok("DELETE", f"/v1/files/{file['id']}")
    return file


async def trash(person: Any) -> dict[str, Any]:
    return {item["name"]: item for item in (await person.ok("GET", "/v1/trash"))["items"]}


def behind(monkeypatch: pytest.MonkeyPatch, use_cases: type, days: float) -> None:
    """Services that start from now on have clocks that are so far behind, for these use cases."""
    defaults = use_cases.__init__.__kwdefaults__  # type: ignore[misc]
    monkeypatch.setitem(defaults, "clock", lambda: utc_now() - timedelta(days=days))


async def make_old(stack: Any, days: int) -> None:
    """As if all that was thrown away and replaced had been so many days ago."""
    nodes, long_ago = stack.database["nodes"], utc_now() - timedelta(days=days)
    for field in ("trashed_at", "trash_from", "replaced_from", "versions_from"):
        await nodes.update_many({field: {"$exists": True}}, {"$set": {field: long_ago}})
    await stack.database["versions"].update_many({}, {"$set": {"created": long_ago}, "$unset": {"came_at": ""}})


async def versions(stack: Any, file: Any) -> list[int]:
    items = (await stack.person.ok("GET", f"/v1/files/{file['id']}/versions"))["items"]
    return [item["version"] for item in items]


async def test_the_trash_goes_for_good_after_thirty_days_and_not_before(running: Any) -> None:
    """It says when; a moment earlier nothing happens; then files go with their contents and folders by a walk, with
    the events of a purge in nobody's name, and the account is looked at no more."""
    sweeps, item = sweeping(running), running.item("/a.txt", b"hello")
    await running.store_object(item, b"hello")
    await running.commit(item)
    below = await running.put("/folder/sub/b.txt")
    file, folder = await throw_away(running, "/a.txt"), await throw_away(running, "/folder")
    await running.walked()
    shown = (await trash(running.person))["a.txt"]
    assert when(shown["expires_at"]) - when(shown["trashed_at"]) == timedelta(days=30)
    assert await sweeps.at(29.99) == 0
    assert (await trash(running.person)).keys() == {"a.txt", "folder"}
    assert await sweeps.at(30.01) == 1
    assert await trash(running.person) == {}
    await running.walked()
    purged = await running.event(file["id"], "file-purged")
    assert (purged["freed_bytes"], purged["actor_id"]) == (5, "")
    for node in (folder, below):
        assert (await running.events(node["id"]))[-2:] == ["file-deleted", "file-purged"]

    async def content_gone() -> bool:
        return await running.objects.head(item["object_key"]) is None

    await eventually(content_gone)
    assert await sweeps.at(5000) == 0


async def test_only_what_is_due_goes(running: Any) -> None:
    """What was restored stays; what was put there later goes later, each look being at what is due then."""
    sweeps = sweeping(running)
    first, second = await running.put("/first"), await running.put("/second")
    await throw_away(running, "/first")
    await throw_away(running, "/second")
    later = {"$set": {"trashed_at": utc_now() + timedelta(days=10)}}
    await running.database["nodes"].update_one({"_id": second["id"]}, later)
    await running.person.ok("POST", f"/v1/files/{first['id']}/restore")
    assert await sweeps.at(31) == 1
    assert (await trash(running.person)).keys() == {"second"}
    assert await sweeps.at(39) == 0
    assert await sweeps.at(40.01) == 1
    assert await trash(running.person) == {}
    assert (await running.person.get(first))["path"] == "/first"


async def test_a_person_chooses_within_what_the_operator_allows(stack: Any) -> None:
    """What is chosen is shown with its limits and when it takes effect; beyond them is 422; taken back it is the
    operator's again."""
    async with stack.run(max_trash_days=90, version_days=365, max_versions=20):
        person, policy = stack.person, {"trash_days": 7, "versions": 5, "version_days": None}
        before = await person.ok("GET", RETENTION)
        assert before == {
            "trash_days": 30,
            "versions": 20,
            "version_days": 365,
            "is_default": True,
            "applies_at": None,
            "most": {"trash_days": 90, "versions": 20, "version_days": None},
        }
        chosen = await person.ok("PUT", RETENTION, policy)
        assert {name: chosen[name] for name in policy} == policy
        assert not chosen["is_default"]
        assert timedelta(hours=23) < when(chosen["applies_at"]) - utc_now() <= timedelta(hours=24)
        assert await person.ok("PUT", RETENTION, policy) == chosen == await person.ok("GET", RETENTION)
        wrong = [{"trash_days": None}, {"trash_days": 91}, {"trash_days": 0}, {"versions": 21}, {"version_days": -1}]
        for field in [*wrong, {"versions": 0}, {"version_days": 36_501}]:
            assert await person.refused("PUT", RETENTION, policy | field) == (422, "invalid_retention")
        assert (await person.refused("PUT", RETENTION, {"trash_days": 7}))[0] == 422
        assert await person.ok("GET", RETENTION) == chosen
        assert (await stack.stranger.ok("GET", RETENTION))["is_default"]
        back = await person.ok("DELETE", RETENTION)
        assert back["is_default"]
        assert back["trash_days"] == 30
    async with stack.run(max_trash_days=3):
        assert (await person.ok("GET", RETENTION))["trash_days"] == 3


async def test_a_lowered_policy_takes_effect_by_one_write(running: Any) -> None:
    """For ever, then a day: not before the day in which it can be taken back is over; no document but the root is
    changed by the choice; another account's trash is as it was."""
    sweeps, person = sweeping(running), running.person
    for number in range(3):
        await running.put(f"/{number}.txt")
        await throw_away(running, f"/{number}.txt")
    forever = {"trash_days": None, "versions": 50, "version_days": None}
    await person.ok("PUT", RETENTION, forever)
    assert {item["expires_at"] for item in (await trash(person)).values()} == {None}
    assert await sweeps.at(5000) == 1  # the versions are looked at again once, for the choice
    assert len(await trash(person)) == 3
    others: dict[str, Any] = {"_id": {"$ne": person.account_id}}
    before = await running.database["nodes"].find(others).to_list(None)
    chosen = await person.ok("PUT", RETENTION, forever | {"trash_days": 1})
    assert await running.database["nodes"].find(others).to_list(None) == before
    assert {item["expires_at"] for item in (await trash(person)).values()} >= {chosen["applies_at"]}
    assert await sweeps.at(0.99) == 0
    assert await sweeps.at(1.01) > 0
    assert await trash(person) == {}


async def test_a_choice_made_meanwhile_stops_the_sweep(running: Any) -> None:
    """An instance has just claimed the account when its person raises the policy: nothing more is purged."""
    sweeps = sweeping(running)
    await running.put("/a.txt")
    await throw_away(running, "/a.txt")
    sweeps.move(31)
    claim = await sweeps.retention.claim(utc_now() + timedelta(days=31))
    assert claim is not None
    await running.person.ok("PUT", RETENTION, {"trash_days": 60, "versions": 50, "version_days": None})
    with pytest.raises(LeaseLost):
        await sweeps.sweeper._step(claim)
    await sweeps.at(59)
    assert (await trash(running.person)).keys() == {"a.txt"}
    await sweeps.at(60.01)
    assert await trash(running.person) == {}


async def test_a_dead_sweeper_is_taken_over(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two pages, what it has done is done, and another goes on when the lease is over."""
    monkeypatch.setattr("docstore_metadata.retention.worker.TRASH_PAGE", 2)
    sweeps = sweeping(running)
    for number in range(5):
        await running.put(f"/{number}.txt")
        await throw_away(running, f"/{number}.txt")
    sweeps.move(31)
    claim = await sweeps.retention.claim(utc_now() + timedelta(days=31))
    assert isinstance(claim, Claim)
    assert await sweeps.sweeper._step(claim)
    assert len(await trash(running.person)) == 3
    assert await sweeps.at(31) == 0
    assert await sweeps.at(31.01) == 1
    assert await trash(running.person) == {}
    async for row in running.database["nodes"].find({"_id": running.person.account_id}):
        assert row.keys().isdisjoint({"trash_from", "lease", "held_until"})


@pytest.mark.parametrize("crash", ["before", "after"])
async def test_a_crash_loses_and_doubles_nothing(stack: Any, crash: str) -> None:
    """Of the trash and of old versions: what was not committed is done by the next, what was is not said again."""
    async with stack.run(version_days=5):
        sweeps = sweeping(stack, crash, version_days=5)
        old = [await stack.put("/old.txt", b"old") for _ in range(2)][-1]
        assert await sweeps.at(5.01) == 1
        assert await sweeps.at(5.02) == (1 if crash == "before" else 0)
        assert await versions(stack, old) == [2]
        assert (await stack.events(old["id"])).count("version-pruned") == 1
        sweeps = sweeping(stack, crash, version_days=5)
        file, folder = await stack.put("/a.txt"), await stack.put("/folder/b.txt")
        await throw_away(stack, "/a.txt")
        await throw_away(stack, "/folder")
        assert await sweeps.at(31) == 1
        assert await sweeps.at(31.01) == (1 if crash == "before" else 0)
        await stack.walked()
        for node in (file, folder):
            assert (await stack.events(node["id"])).count("file-purged") == 1
        assert await trash(stack.person) == {}


async def test_what_is_thrown_away_while_the_last_look_ends_is_not_forgotten(running: Any) -> None:
    """The sweeper finds an empty trash and forgets the account while a file goes into the trash, again and again:
    whoever comes first, the file is due in its time."""
    sweeps, root = sweeping(running), {"_id": running.person.account_id}
    long_ago = {"$set": {"trash_from": utc_now() - timedelta(days=31)}}
    await running.commit(*(running.item(f"/{number}") for number in range(8)))
    for number in range(8):
        await running.database["nodes"].update_one(root, long_ago)
        file, _ = await asyncio.gather(throw_away(running, f"/{number}"), sweeps.at(0))
        assert "trash_from" in await running.database["nodes"].find_one(root)
        await running.person.ok("DELETE", f"/v1/trash/{file['id']}")
    await running.put("/last")
    await throw_away(running, "/last")
    assert await sweeps.at(31) == 1
    assert await trash(running.person) == {}


async def test_old_versions_go_so_long_after_they_were_replaced(stack: Any) -> None:
    """Not by when they were made: what the file was in the last ten days stays. The current one always does."""
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
        said = await stack.event(file["id"], "version-pruned")
        assert (said["pruned_version"], said["freed_bytes"], said["actor_id"]) == (2, 2, "")
        assert (await stack.person.get(file))["etag"] != file["etag"]
        assert await sweeps.at(5000) == 0


async def test_fewer_versions_hold_for_files_nobody_touches_too(running: Any) -> None:
    """Until the choice takes effect all are kept, also of a file that is changed; then the surplus of every file goes,
    the important ones staying; and a new version takes the place of another at once."""
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


async def test_one_wrong_clock_purges_nothing(stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service whose clock is a year ahead goes by the database's, in the background, where what is really due goes;
    one whose clock was a year behind made nothing look old, also where the account is looked at for something else."""
    monkeypatch.setattr(metadata_app, "utc_now", lambda: utc_now() + timedelta(days=365))
    behind(monkeypatch, TrashService, days=365)
    async with stack.run(retention_poll_seconds=0.05):
        for name in ("due.txt", "a.txt"):
            await stack.put(f"/{name}")
        nodes, long_ago = stack.database["nodes"], utc_now() - timedelta(days=31)
        due, _ = await throw_away(stack, "/due.txt"), await throw_away(stack, "/a.txt")
        await nodes.update_one({"_id": due["id"]}, {"$set": {"trashed_at": long_ago}})
        await nodes.update_one({"_id": stack.person.account_id}, {"$set": {"trash_from": long_ago}})

        async def gone() -> bool:
            return "due.txt" not in await trash(stack.person)

        await eventually(gone)
        assert (await trash(stack.person)).keys() == {"a.txt"}


async def test_a_clock_that_is_behind_takes_nobody_the_day_of_grace(
    stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A choice that an instance two days behind was asked for takes effect a day later by the database's clock."""
    behind(monkeypatch, RetentionService, days=2)
    async with stack.run(retention_poll_seconds=0):
        sweeps = sweeping(stack)
        for _ in range(3):
            file = await stack.put("/a.txt")
        chosen = await stack.person.ok("PUT", RETENTION, {"trash_days": 1, "versions": 1, "version_days": None})
        assert when(chosen["applies_at"]) > utc_now() + timedelta(hours=23)
        assert await sweeps.at(0.99) == 0
        assert await sweeps.at(1.01) == 1
        assert await versions(stack, file) == [3]


async def test_a_clock_that_is_behind_makes_no_version_look_replaced_long_ago(
    stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instance a year behind goes back to an old version: what the file was until now stays its full time."""
    behind(monkeypatch, VersionService, days=365)
    async with stack.run(version_days=10, retention_poll_seconds=0):
        sweeps = sweeping(stack, version_days=10)
        file = [await stack.put("/a.txt") for _ in range(2)][-1]
        await make_old(stack, days=900)
        await stack.person.ok("POST", f"/v1/files/{file['id']}/versions/1/restore")
        assert await sweeps.at(0) == 1
        assert await versions(stack, file) == [3, 2]
        assert await sweeps.at(9.9) == 0
        assert await sweeps.at(10.01) == 1
        assert await versions(stack, file) == [3]


async def test_a_suspended_account_keeps_its_trash_and_has_its_time_anew(stack: Any) -> None:
    """Who can't log in can't take anything out of it: once they can, all of it, and of old versions, stays its full
    time, also where somebody was about to let it go; what else is said of the account later changes nothing."""
    async with stack.run(version_days=30, retention_poll_seconds=0):
        sweeps, account = sweeping(stack, version_days=30), stack.account(stack.person, "ada@example.org")
        file = [await stack.put("/a.txt") for _ in range(2)][-1]
        await stack.put("/b.txt")
        await throw_away(stack, "/b.txt")
        await make_old(stack, days=400)
        claim = await sweeps.retention.claim(utc_now())
        assert claim is not None
        await stack.hear(AccountUpdated(revision=2, status="suspended", **account))
        assert await sweeps.at(31) == 0
        await stack.hear(AccountUpdated(revision=3, status="active", **account))
        sweeps.move(0)
        with pytest.raises(LeaseLost):
            await sweeps.sweeper._step(claim)
        assert when((await trash(stack.person))["b.txt"]["expires_at"]) > utc_now() + timedelta(days=29)
        assert await sweeps.at(29.9) == 0
        since = await stack.database["nodes"].find_one({"_id": stack.person.account_id})
        await stack.hear(AccountUpdated(revision=4, status="active", **account))
        again = await stack.database["nodes"].find_one({"_id": stack.person.account_id})
        assert again | {"account_revision": 3} == since
        assert await sweeps.at(30.01) == 2
        assert await trash(stack.person) == {}
        assert await versions(stack, file) == [2]


async def test_an_empty_trash_is_looked_at_no_more_after_a_suspension(running: Any) -> None:
    """Who has neither trash nor old versions is let in again without being looked at ever after."""
    await running.put("/a.txt")
    account = running.account(running.person, "ada@example.org")
    await running.hear(AccountUpdated(revision=2, status="suspended", **account))
    await running.hear(AccountUpdated(revision=3, status="active", **account))
    root = await running.database["nodes"].find_one({"_id": running.person.account_id})
    assert root.keys().isdisjoint({"trash_from", "versions_from"})


async def test_what_was_there_before_there_were_policies_has_its_time(stack: Any) -> None:
    """After an upgrade the trash of years counts as put there now, and old versions are found; a second start changes
    nothing."""
    nodes, long_ago = stack.database["nodes"], utc_now() - timedelta(days=900)
    async with stack.run():
        file = [await stack.put("/a.txt") for _ in range(3)][-1]
        await stack.put("/b.txt")
        await throw_away(stack, "/b.txt")
    await nodes.update_many({}, {"$unset": {"trash_from": "", "versions_from": "", "replaced_from": ""}})
    await nodes.update_many({"trashed_at": {"$exists": True}}, {"$set": {"trashed_at": long_ago}})
    await nodes.drop_index("trash_due")
    sweeps = sweeping(stack, version_days=5)
    for _ in range(2):
        async with stack.run():
            shown = (await trash(stack.person))["b.txt"]
            assert when(shown["expires_at"]) > utc_now() + timedelta(days=29)
    async with stack.run(version_days=5):
        assert await sweeps.at(4.9) == 0
        assert await sweeps.at(5.01) == 1
        assert await versions(stack, file) == [3]
        assert await sweeps.at(29.9) == 0
        assert await sweeps.at(30.01) == 1
        assert await trash(stack.person) == {}


async def test_a_look_costs_nothing_where_nothing_is_due(running: Any) -> None:
    """Among hundreds of files, many with old versions or in the trash, of accounts with policies of all kinds: a look
    reads a document for each policy there is, and no more."""
    sweeps = sweeping(running)
    await running.commit(*(running.item(f"/{n}.txt") for n in range(200)))
    await running.commit(*(running.item(f"/{n}.txt") for n in range(100)))
    for days in (7, 7, 7, 60, 60, None):
        person = running.new_person()
        await person.ok("PUT", RETENTION, {"trash_days": days, "versions": 9, "version_days": days})
        for name in ("/x", "/y"):
            file = await running.put(name, account_id=person.account_id)
            await running.put(name, account_id=person.account_id)
            await person.ok("DELETE", f"/v1/files/{file['id']}")
    await running.database["nodes"].update_many({}, {"$unset": {"recheck_from": "", "held_until": ""}})
    await running.database.command("profile", 2)
    try:
        assert await sweeps.at(1) == 0
    finally:
        await running.database.command("profile", 0)
        looks = await running.database["system.profile"].find({"ns": {"$regex": "nodes$"}}).to_list(None)
        await running.database["system.profile"].drop()
    assert looks
    assert {look["planSummary"].split()[0] for look in looks} == {"IXSCAN"}
    assert sum(look["docsExamined"] for look in looks) <= 6


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)

"""Work queues on a real MongoDB: what claims, leases and turns promise."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from server_clock import LEASE_SECONDS, ServerClock

from docstore_platform.mongodb.client import Collection, IndexModel
from docstore_work.lease_queue import LeaseLost, LeaseQueue

pytestmark = pytest.mark.connected


async def test_a_document_is_claimed_once(queue: LeaseQueue) -> None:
    """Twenty concurrent claims of ten documents get each of them once."""
    for number in range(10):
        await queue.add(number, {})
    leases = await asyncio.gather(*(queue.claim() for _ in range(20)))
    assert sorted(lease.id for lease in leases if lease) == list(range(10))


async def test_a_document_can_be_due_later(queue: LeaseQueue, clock: ServerClock) -> None:
    """At a moment that it was added with, and not before."""
    await queue.add("later", {}, at=clock.now + timedelta(seconds=5))
    assert await queue.claim() is None
    assert await queue.due_in() == 5
    clock.advance(5)
    assert (await queue.claim()) is not None


async def test_a_document_is_due_when_it_has_its_age(collection: Collection, clock: ServerClock) -> None:
    """Counted from a date of its own; a lease ends as ever, and a later date makes it wait again."""
    await collection.create_indexes([IndexModel("read_at")])
    age = timedelta(days=90)
    queue = LeaseQueue(collection, "old", lease_seconds=LEASE_SECONDS, due_field="read_at", age=age, clock=clock)
    await collection.insert_one({"_id": 1, "read_at": clock.now})
    assert await queue.due_in() == age.total_seconds()
    clock.advance(age.total_seconds() - 1)
    assert await queue.claim() is None
    clock.advance(1)
    assert await queue.claim()
    assert await queue.claim() is None
    clock.advance(LEASE_SECONDS)
    lease = await queue.claim()
    assert lease
    await collection.update_one({"_id": 1}, queue.due(clock.now))
    with pytest.raises(LeaseLost):
        await queue.complete(lease)
    clock.advance(age.total_seconds() - 1)
    assert await queue.claim() is None


async def test_concurrent_batches_share_no_document(queue: LeaseQueue) -> None:
    """Five workers that claim up to ten of thirty documents at once get thirty in all."""
    for number in range(30):
        await queue.add(number, {})
    batches = await asyncio.gather(*(queue.claim_batch(10) for _ in range(5)))
    claimed = [lease.id for batch in batches for lease in batch]
    assert len(claimed) == len(set(claimed))
    rest = await queue.claim_batch(100)
    assert sorted(claimed + [lease.id for lease in rest]) == list(range(30))


async def test_the_database_decides_by_its_own_clock(collection: Collection) -> None:
    """Without a clock of a test, what is added is due at once and a lease ends by the server's time."""
    queue = LeaseQueue(collection, "test", lease_seconds=0.0)
    await queue.add("a", {"text": "$due_at"})
    first = await queue.claim()
    assert first is not None
    assert first.document["text"] == "$due_at"
    second = await queue.claim()
    assert second is not None
    assert (second.attempts, second.owner != first.owner) == (2, True)


async def test_a_worker_that_lost_its_lease_changes_nothing(queue: LeaseQueue, clock: ServerClock) -> None:
    """Every write of the first holder raises LeaseLost once another has claimed the document."""
    await queue.add("a", {})
    late = await queue.claim()
    clock.advance(LEASE_SECONDS)
    owner = await queue.claim()
    assert late is not None
    assert owner is not None
    for write in (queue.renew(late), queue.complete(late), queue.postpone(late, 1), queue.release(late)):
        with pytest.raises(LeaseLost):
            await write
    await queue.complete(owner)
    assert await queue.due_in() is None


async def test_attempts_count_what_failed(queue: LeaseQueue, clock: ServerClock) -> None:
    """A postponed attempt counts, a released one and one before progress do not."""
    await queue.add("a", {})
    for attempts in (1, 2):
        lease = await queue.claim()
        assert lease is not None
        assert lease.attempts == attempts
        await queue.postpone(lease, 60, {"error": "$not a path"})
        assert (await queue.claim(), await queue.due_in()) == (None, 60)
        clock.advance(60)
    third = await queue.claim()
    assert third is not None
    assert third.document["error"] == "$not a path"
    await queue.release(third)
    again = await queue.claim()
    assert again is not None
    assert again.attempts == 3
    await queue.renew(again, {"cursor": "b"})
    clock.advance(LEASE_SECONDS)
    after_crash = await queue.claim()
    assert after_crash is not None
    assert (after_crash.attempts, after_crash.document["cursor"]) == (1, "b")


async def test_a_completed_document_can_be_kept(queue: LeaseQueue, collection: Collection) -> None:
    """It leaves the queue with the fields that are stored in it, and how often it was tried."""
    await queue.add("a", {"account_id": "ann"})
    lease = await queue.claim()
    assert lease is not None
    await queue.complete(lease, {"state": "done"})
    kept = {"_id": "a", "account_id": "ann", "state": "done", "attempts": 1}
    assert await collection.find_one({"_id": "a"}) == kept


async def test_recurring_work_is_queued_once(queue: LeaseQueue, clock: ServerClock) -> None:
    """Each instance ensures it at its start; that changes neither when it is due nor how far it is."""
    await queue.ensure("compare", {"cursor": ""})
    lease = await queue.claim({"_id": "compare"})
    assert lease is not None
    await queue.postpone(lease, 3600, {"cursor": "m", "attempts": 0})
    await queue.ensure("compare", {"cursor": ""})
    assert (await queue.claim(), await queue.due_in()) == (None, 3600)
    clock.advance(3600)
    again = await queue.claim()
    assert again is not None
    assert (again.document["cursor"], again.attempts) == ("m", 1)


async def test_a_request_that_is_repeated_is_queued_once(queue: LeaseQueue) -> None:
    """Also while it is claimed, and after it was completed and kept."""
    for _ in range(2):
        await queue.add_once("request", {"email": "$ann"})
    lease = await queue.claim()
    assert lease is not None
    assert lease.document["email"] == "$ann"
    await queue.complete(lease, {"email": ""})
    await queue.add_once("request", {"email": "$ann"})
    assert await queue.claim() is None


async def test_work_that_has_begun_is_added_under_a_lease(queue: LeaseQueue, clock: ServerClock) -> None:
    """Once; no one else gets it before the lease ends, and then its first holder has lost it."""
    lease = await queue.add_held("store", {"name": "$ann"})
    assert lease is not None
    assert await queue.add_held("store", {"name": "$bob"}) is None
    assert await queue.claim() is None
    clock.advance(LEASE_SECONDS)
    retaken = await queue.claim()
    assert retaken is not None
    assert (retaken.document["name"], retaken.attempts) == ("$ann", 2)
    with pytest.raises(LeaseLost):
        await queue.complete(lease)


async def test_a_batch_is_postponed_where_it_is_still_held(queue: LeaseQueue, clock: ServerClock) -> None:
    """What another worker has claimed meanwhile, or what was completed, stays as it is."""
    for number in range(3):
        await queue.add(number, {})
    leases = await queue.claim_batch(3)
    await queue.complete(leases[0])
    clock.advance(LEASE_SECONDS)
    retaken = await queue.claim()
    assert retaken is not None
    await queue.postpone_batch(leases, 10)
    await queue.renew(retaken)
    assert await queue.due_in() == 10
    clock.advance(10)
    (other,) = await queue.claim_batch(3)
    assert (other.id, other.attempts) == (2 if retaken.id == 1 else 1, 2)


async def test_accounts_take_turns(collection: Collection, clock: ServerClock) -> None:
    """An account with a backlog gets every third claim when two others have something due."""
    queue = LeaseQueue(collection, "test", lease_seconds=LEASE_SECONDS, account_field="account_id", clock=clock)
    for number in range(20):
        await queue.add(f"a{number}", {"account_id": "ann"})
    for account in ("bob", "cyd"):
        for number in range(2):
            await queue.add(f"{account}{number}", {"account_id": account})
    leases = [await queue.claim() for _ in range(6)]
    assert [lease.document["account_id"] for lease in leases if lease] == ["ann", "bob", "cyd"] * 2
    batches = [await queue.claim_batch(9) for _ in range(2)]
    assert [len(batch) for batch in batches] == [9, 9]


async def test_turns_of_one_kind_do_not_depend_on_claims_of_another(collection: Collection, clock: ServerClock) -> None:
    """Whoever has much to remove does not keep an account from having its pictures made."""
    queue = LeaseQueue(collection, "test", lease_seconds=LEASE_SECONDS, account_field="account_id", clock=clock)
    for number in range(4):
        for account in ("ann", "bob", "cyd"):
            await queue.add(f"{account}{number}", {"account_id": account, "state": "render"})
        await queue.add(f"zoe{number}", {"account_id": "zoe", "state": "remove"})
    served = []
    for _ in range(3):
        lease = await queue.claim({"state": "render"})
        assert lease is not None
        served.append(lease.document["account_id"])
        assert await queue.claim({"state": "remove"}) is not None
    assert served == ["ann", "bob", "cyd"]


async def test_a_single_instance_takes_back_what_a_dead_one_held(queue: LeaseQueue) -> None:
    """At its start nothing waits for the end of a lease."""
    for number in range(3):
        await queue.add(number, {})
    assert len(await queue.claim_batch(2)) == 2
    assert await queue.release_all() == 2
    assert len(await queue.claim_batch(10)) == 3


async def test_a_batch_is_completed_or_given_back_together(
    queue: LeaseQueue, collection: Collection, clock: ServerClock
) -> None:
    """Each keeps its own fields; of those given back only the ones still held change."""
    for number in range(4):
        await queue.add(number, {})
    leases = await queue.claim_batch(4)
    await queue.complete_batch([(lease, {"result": f"${lease.id}"}) for lease in leases[:2]])
    await queue.postpone_batch(leases, 5, {"step": "later"}, counted=False)
    rows = {row["_id"]: row async for row in collection.find({})}
    assert [rows[number].get("result") for number in range(4)] == ["$0", "$1", None, None]
    assert [(rows[number].get("step"), rows[number]["attempts"]) for number in range(4)] == [
        *[(None, 1)] * 2,
        *[("later", 0)] * 2,
    ]
    assert await queue.claim() is None
    clock.advance(5)
    assert len(await queue.claim_batch(4)) == 2
    with pytest.raises(LeaseLost):
        await queue.complete_batch([(leases[2], {})])


async def test_claims_use_the_index(collection: Collection, queue: LeaseQueue) -> None:
    """A thousand documents that are not due, or not queued at all, cost a claim nothing."""
    later = datetime(2030, 1, 1, tzinfo=UTC)
    await collection.insert_many([{"_id": n, "due_at": later if n % 2 else None} for n in range(1000)])
    await queue.add("due", {})
    plan = await collection.database.command(
        "explain",
        {"find": collection.name, "filter": queue.claimable(), "sort": {"due_at": 1}},
        verbosity="executionStats",
    )
    assert plan["executionStats"]["totalKeysExamined"] <= 2


async def test_another_name_of_the_due_field(collection: Collection, clock: ServerClock) -> None:
    """A queue whose documents have their date in another field claims, renews, postpones and completes by that one."""
    queue = LeaseQueue(collection, "test", lease_seconds=LEASE_SECONDS, due_field="next_check_at", clock=clock)
    await queue.add("a", {})
    first = await queue.claim()
    assert first is not None
    assert await queue.claim() is None
    await queue.renew(first)
    await queue.postpone(first, 5)
    assert await queue.due_in() == 5
    clock.advance(5)
    [second] = await queue.claim_batch(10)
    await queue.complete(second, {"done": True})
    row = await collection.find_one({"_id": "a"})
    assert row == {"_id": "a", "attempts": 2, "done": True}


async def test_updates_of_a_batch(queue: LeaseQueue, collection: Collection, clock: ServerClock) -> None:
    """`held_by` finds what one claim holds and no one took over; `due` ends its leases, at a time or for good."""
    for name in ("a", "b", "c"):
        await queue.add(name, {})
    leases = await queue.claim_batch(3)
    held = queue.held_by(leases[0].owner)
    await collection.update_one({"_id": "c"}, queue.due(clock()))
    again = await queue.claim()
    assert again is not None
    assert again.id == "c"
    assert (await collection.update_many(held, queue.due(clock() + timedelta(seconds=9)))).matched_count == 2
    assert await collection.count_documents({"lease_owner": {"$exists": True}}) == 1
    clock.advance(9)
    assert {lease.id for lease in await queue.claim_batch(10)} == {"a", "b"}
    await collection.update_one({"_id": "a"}, queue.due(None))
    clock.advance(LEASE_SECONDS)
    assert {lease.id for lease in await queue.claim_batch(10)} == {"b", "c"}

"""A work queue under random workers: pauses, crashes, clocks that jump. On a real MongoDB."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.settings import InfraSettings
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

pytestmark = pytest.mark.connected

LEASE_SECONDS = 10
WORKERS = st.sampled_from(["one", "two"])
ACCOUNTS = st.sampled_from(["ann", "bob", "cyd"])
SECONDS = st.sampled_from([0, 1, LEASE_SECONDS - 1, LEASE_SECONDS, 3 * LEASE_SECONDS])


@dataclass
class Worker:
    """What one worker believes to hold; it learns by LeaseLost alone that it does not."""

    held: dict[str, Lease] = field(default_factory=dict)
    ends_at: dict[str, datetime] = field(default_factory=dict)


class LeaseQueueMachine(RuleBasedStateMachine):
    """Two workers with one queue. A worker that does nothing is paused; the database's clock goes on meanwhile."""

    mongo_url: str
    database: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.workers = {"one": Worker(), "two": Worker()}
        self.added: set[str] = set()
        self.completed: list[str] = []
        self.owners: dict[str, str] = {}
        """The last lease given for each document, until it is given back."""
        self.mongo = self.runner.run(self._connect())
        self.collection = self.mongo.database(self.database)[new_id()]
        self.queues = {name: self._queue() for name in self.workers}

    async def _connect(self) -> Mongo:
        return Mongo(self.mongo_url, app_name="test")

    async def _drop(self) -> None:
        await self.collection.drop()
        self.mongo.close()

    def _queue(self) -> LeaseQueue:
        return LeaseQueue(
            self.collection,
            "test",
            lease_seconds=LEASE_SECONDS,
            account_field="account_id",
            clock=lambda: self.now,
        )

    @rule(account=ACCOUNTS)
    def add(self, account: str) -> None:
        id_ = new_id()
        self.runner.run(self.queues["one"].add(id_, {"account_id": account}))
        self.added.add(id_)

    @rule(name=WORKERS)
    def claim(self, name: str) -> None:
        self._take(name, self.runner.run(self.queues[name].claim()))

    @rule(name=WORKERS, limit=st.integers(1, 4))
    def claim_batch(self, name: str, limit: int) -> None:
        for lease in self.runner.run(self.queues[name].claim_batch(limit)):
            self._take(name, lease)

    def _take(self, name: str, lease: Lease | None) -> None:
        """No claim gives what another holds whose lease runs, nor what is completed."""
        if lease is None:
            return
        assert lease.id not in self.completed
        for worker in self.workers.values():
            assert lease.id not in worker.held or worker.ends_at[lease.id] <= self.now
        self.owners[lease.id] = lease.owner
        self.workers[name].held[lease.id] = lease
        self.workers[name].ends_at[lease.id] = self.now + timedelta(seconds=LEASE_SECONDS)

    @precondition(lambda self: any(worker.held for worker in self.workers.values()))
    @rule(data=st.data(), what=st.sampled_from(["renew", "complete", "postpone", "release"]), seconds=SECONDS)
    def write(self, data: st.DataObject, what: str, seconds: int) -> None:
        """A write by a holder: it counts if no one has claimed the document since, and raises LeaseLost otherwise."""
        name = data.draw(st.sampled_from([name for name, worker in self.workers.items() if worker.held]))
        worker, queue = self.workers[name], self.queues[name]
        lease = worker.held[data.draw(st.sampled_from(sorted(worker.held)))]
        is_last = self.owners.get(lease.id) == lease.owner
        calls: dict[str, Any] = {
            "renew": lambda: queue.renew(lease),
            "complete": lambda: queue.complete(lease),
            "postpone": lambda: queue.postpone(lease, seconds),
            "release": lambda: queue.release(lease),
        }
        if not is_last:
            with pytest.raises(LeaseLost):
                self.runner.run(calls[what]())
        else:
            self.runner.run(calls[what]())
            if what == "renew":
                worker.ends_at[lease.id] = self.now + timedelta(seconds=LEASE_SECONDS)
                return
            del self.owners[lease.id]
            self.completed += [lease.id] * (what == "complete")
        del worker.held[lease.id], worker.ends_at[lease.id]

    @rule(name=WORKERS)
    def crash(self, name: str) -> None:
        """A worker forgets all and starts again."""
        self.workers[name], self.queues[name] = Worker(), self._queue()

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def nothing_is_completed_twice(self) -> None:
        assert len(self.completed) == len(set(self.completed))

    def teardown(self) -> None:
        """Whatever has happened, a worker that stays alive completes everything."""
        try:
            self.now += timedelta(seconds=4 * LEASE_SECONDS)
            while lease := self.runner.run(self.queues["one"].claim()):
                self.runner.run(self.queues["one"].complete(lease))
                self.completed.append(lease.id)
            assert sorted(self.completed) == sorted(self.added)
        finally:
            self.runner.run(self._drop())
            self.runner.close()


async def test_nothing_is_lost_and_nothing_held_twice(infra: InfraSettings) -> None:
    """For any order of claims, writes, pauses, crashes and passing time: each document is completed exactly once, and
    two workers whose leases run never hold the same one."""

    class Machine(LeaseQueueMachine):
        mongo_url = infra.mongo_url.get_secret_value()
        database = f"{infra.database_prefix}work"

    shorter = settings(max_examples=max(settings().max_examples // 2, 10), stateful_step_count=30)
    await asyncio.to_thread(run_state_machine_as_test, Machine, settings=shorter)

"""The consume path and its inbox under batches that are cut, repeated and interrupted at random. On a real MongoDB."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from counted_commands import counted_commands
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from docstore_events.catalogue.usage import UsageChanged
from docstore_events.consuming.consumer import Consumer
from docstore_events.consuming.dead_letters import Record
from docstore_events.envelope import Envelope, seal
from docstore_events.runtime import EventRuntime
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_platform.ids import new_id
from docstore_platform.mongo import Database, Mongo
from docstore_platform.settings import InfraSettings

pytestmark = pytest.mark.connected

CRASHES = st.sampled_from(["", "", "", "", "before its effects", "after its effects", "after its commit"])
INSTANCES = st.sampled_from(["one", "two"])
ACCOUNTS = st.sampled_from(["ann", "bob"])


class Crash(ConnectionError):
    """The instance dies at this place."""


class Ledger(Subscribers[list[str]]):
    """Writes each event's id down, unless it is to crash."""

    def __init__(self, database: Database) -> None:
        self.rows = database["ledger"]
        self.crash = ""

    def begin(self) -> list[str]:
        return []

    def on_usage_changed(self, envelope: Envelope[UsageChanged], batch: list[str]) -> None:
        batch.append(envelope.id)

    async def commit(self, batch: list[str], transaction: Transaction) -> None:
        if self.crash == "before its effects":
            raise Crash
        await self.rows.insert_many([{"event": event_id} for event_id in batch], session=transaction.session)
        if self.crash == "after its effects":
            raise Crash


class Reader:
    """One instance of the consuming service, with the offset that it reads next."""

    def __init__(self, infra: InfraSettings, mongo: Mongo, database: Database) -> None:
        self.offset = 0
        self.ledger = Ledger(database)
        consumer = EventRuntime("ledger", infra, mongo, database, self.ledger).consumer
        assert consumer is not None
        self.consumer: Consumer = consumer


def published(account: str, offset: int) -> Record:
    event = UsageChanged(revision=offset + 1, account_id=account, used=offset, reserved=0, limit=9, documents=0)
    envelope = seal(event, source="teller", traceparent=None)
    value = event.model_dump_json().encode()
    return Record(event.topic, 0, offset, account, tuple(envelope.headers()), value)


class InboxMachine(RuleBasedStateMachine):
    """One log, read by two instances that know nothing of each other, as after a reassigned partition."""

    infra: InfraSettings

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.log: list[Record] = []
        self.read = 0
        """How many records of the log are known to be handled."""
        self.mongo = self.runner.run(self._connect())
        self.database = self.mongo.database(f"{self.infra.database_prefix}{new_id()[-6:]}")
        self.readers = {name: self._reader() for name in ("one", "two")}

    async def _connect(self) -> Mongo:
        return Mongo(self.infra.mongo_url.get_secret_value(), app_name="test")

    async def _end(self) -> None:
        await self.mongo.drop(self.database.name)
        self.mongo.close()

    def _reader(self) -> Reader:
        return Reader(self.infra, self.mongo, self.database)

    @rule(account=ACCOUNTS, number=st.integers(1, 5))
    def publish(self, account: str, number: int) -> None:
        self.log += [published(account, len(self.log) + index) for index in range(number)]

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def publish_again(self, data: Any) -> None:
        """A relay sends an event once more, under its id, at the end of the log."""
        repeated = data.draw(st.sampled_from(self.log))
        fields = (repeated.topic, 0, len(self.log), repeated.key, repeated.headers, repeated.value)
        self.log.append(Record(*fields))

    @precondition(lambda self: any(reader.offset < len(self.log) for reader in self.readers.values()))
    @rule(name=INSTANCES, size=st.integers(1, 8), crash=CRASHES)
    def handle(self, name: str, size: int, crash: str) -> None:
        """Handle the next batch of any size. An instance that crashes after its commit doesn't know that it has."""
        reader = self.readers[name]
        batch = self.log[reader.offset : reader.offset + size]
        reader.ledger.crash = crash
        try:
            self.runner.run(reader.consumer.consume(batch))
        except Crash:
            pass
        else:
            self.read = max(self.read, reader.offset + len(batch))
            reader.offset += 0 if crash else len(batch)
        if crash:
            offset, self.readers[name] = reader.offset, self._reader()
            self.readers[name].offset = offset

    @precondition(lambda self: self.read)
    @rule(name=INSTANCES, data=st.data())
    def reassign(self, name: str, data: Any) -> None:
        """The instance goes on from an offset that was committed once."""
        self.readers[name].offset = data.draw(st.integers(0, self.read))

    @precondition(lambda self: all(reader.offset < len(self.log) for reader in self.readers.values()))
    @rule(size=st.integers(1, 8))
    def handle_at_once(self, size: int) -> None:
        """Both instances handle overlapping batches at the same time."""

        async def both() -> None:
            batches = [self.log[reader.offset : reader.offset + size] for reader in self.readers.values()]
            consumers = [reader.consumer for reader in self.readers.values()]
            pairs = zip(consumers, batches, strict=True)
            await asyncio.gather(*(consumer.consume(batch) for consumer, batch in pairs))

        self.runner.run(both())
        for reader in self.readers.values():
            reader.offset = min(reader.offset + size, len(self.log))
            self.read = max(self.read, reader.offset)

    @invariant()
    def each_event_takes_effect_once(self) -> None:
        effects = Counter(self.runner.run(self._effects()))
        handled = {dict(record.headers)["ce_id"].decode() for record in self.log[: self.read]}
        assert set(effects.values()) <= {1}
        assert handled <= effects.keys()

    async def _effects(self) -> list[str]:
        return [row["event"] async for row in self.database["ledger"].find()]

    def teardown(self) -> None:
        self.runner.run(self._end())
        self.runner.close()


async def test_each_event_takes_effect_once_however_batches_are_cut(infra: InfraSettings) -> None:
    """For any cut, repetition, reassignment, crash and two instances at once, each event has exactly one effect."""

    class Machine(InboxMachine):
        pass

    Machine.infra = infra
    shorter = settings(max_examples=max(settings().max_examples // 2, 25), stateful_step_count=40)
    await asyncio.to_thread(run_state_machine_as_test, Machine, settings=shorter)


async def test_only_batches_after_a_repeated_one_read_the_inbox(infra: InfraSettings) -> None:
    """New events cost one command at the inbox; a repeated one costs the failed insertion, and a read."""
    with counted_commands() as commands:
        mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
        consumer = Reader(infra, mongo, mongo.database(f"{infra.database_prefix}ledger")).consumer
        records = [published("ann", offset) for offset in range(6)]
        for batch, expected in (
            (records[:1], {"find": 1, "insert": 1}),  # after a start
            (records[1:3], {"insert": 1}),
            (records[3:4], {"insert": 1}),
            (records[2:5], {"find": 1, "insert": 2}),
            (records[5:], {"find": 1, "insert": 1}),
        ):
            commands.clear()
            await consumer.consume(batch)
            assert {name: times for (name, collection), times in commands.items() if collection == "inbox"} == expected
        mongo.close()

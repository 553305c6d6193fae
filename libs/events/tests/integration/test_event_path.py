"""Events on their way from one service's outbox through the broker into another's inbox, on real servers."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from usage_pair import UsageLedger, UsagePair

from docstore_events.catalogue.usage import UsageChanged
from docstore_events.consuming.consumer import PermanentError, Record
from docstore_events.envelope import Envelope
from docstore_events.operations import operations_router
from docstore_events.outbox.bulk import bulk_request
from docstore_events.topics import provision_topics
from docstore_platform.clock import utc_now
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_platform.mongodb.client import Collection, Database, Mongo
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


class Ledger(UsageLedger):
    """Stores each event's figure; fails for the given accounts."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.fail_for: dict[str, Exception] = {}
        self.fail_first: dict[str, int] = {}

    def on_usage_changed(self, envelope: Envelope[UsageChanged], batch: list[UsageChanged]) -> None:
        account = envelope.event.account_id
        if account in self.fail_for:
            raise self.fail_for[account]
        if self.fail_first.get(account, 0):
            self.fail_first[account] -= 1
            raise RuntimeError("not yet")
        super().on_usage_changed(envelope, batch)


@pytest.fixture
async def pair(infra: InfraSettings) -> AsyncIterator[UsagePair]:
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    pair = UsagePair(infra, mongo, Ledger)
    yield pair
    mongo.close()


async def pass_days(collection: Collection, days: int) -> None:
    """All that is in it is so much older, and what the server would have removed by then is gone."""
    for field in ("created_at", "sent_at", "handled_at"):
        earlier = {"$subtract": [f"${field}", days * 24 * 3600 * 1000]}
        await collection.update_many({field: {"$exists": True}}, [{"$set": {field: earlier}}])
    for index in (await collection.index_information()).values():
        if "expireAfterSeconds" in index:
            [(field, _)] = index["key"]
            over = {field: {"$lt": utc_now() - timedelta(seconds=index["expireAfterSeconds"])}}
            await collection.delete_many({**over, **index.get("partialFilterExpression", {})})


async def test_a_republished_event_of_any_age_takes_effect_once(pair: UsagePair) -> None:
    """Consumers remember an event as long as it can be republished, and no longer."""
    publisher = pair.publisher()
    async with publisher.running(), pair.subscriber().running():
        for figure in range(1, 11):
            await pair.publish("anna", figure)
            await pair.receives("anna", *range(1, figure + 1))

            async def all_sent() -> bool:
                return not await pair.published["outbox"].count_documents({"state": "pending"})

            await eventually(all_sent)
            for collection in (pair.published["outbox"], pair.received["inbox"]):
                await pass_days(collection, 5)
            again = await publisher.republish_since(utc_now() - timedelta(days=100))
    assert again == 4


async def test_events_of_an_aggregate_arrive_once_and_in_order(pair: UsagePair) -> None:
    """Another service applies the events of an aggregate once each, in the order of publication."""
    async with pair.publisher().running(), pair.subscriber().running():
        for start in (1, 4, 7):
            await pair.publish("anna", *range(start, start + 3))
        await pair.receives("anna", *range(1, 10))


async def test_an_event_published_while_the_broker_is_down_arrives_later(pair: UsagePair) -> None:
    """A crash after the commit and before the publishing loses nothing: the row waits in the outbox."""
    await pair.publish("anna", 1, 2)
    async with pair.publisher().running(), pair.subscriber().running():
        await pair.receives("anna", 1, 2)


async def test_events_are_held_back_while_bulk_goes_on_but_not_for_ever(
    pair: UsagePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They arrive during one that does not end, later than without.

    One of four, that is: events before the relay's check whether all is sent go with the rest.
    """
    monkeypatch.setattr("docstore_events.outbox.relay.HELD_BACK_SECONDS", 1.0)
    async with pair.publisher().running(), pair.subscriber().running():
        await pair.publish("anna", 1)
        await pair.receives("anna", 1)
        with bulk_request():
            for number in range(2, 6):
                await pair.publish("anna", number)
                await pair.receives("anna", *range(1, number + 1))

        async def waited() -> list[float] | None:
            rows = (
                await pair.published["outbox"]
                .find({"sequence": {"$gt": 1}, "sent_at": {"$exists": True}})
                .to_list(None)
            )
            return [(row["sent_at"] - row["created_at"]).total_seconds() for row in rows] if len(rows) == 4 else None

        assert max(await eventually(waited)) > 0.5


async def test_a_message_sent_twice_counts_once(pair: UsagePair) -> None:
    """A relay that died between publishing and marking sends again; the inbox takes it once."""
    async with pair.publisher().running(), pair.subscriber().running():
        await pair.publish("anna", 1)
        await pair.receives("anna", 1)
        await pair.published["outbox"].update_many({}, {"$set": {"state": "pending"}})
        await pair.publish("anna", 2)
        await pair.receives("anna", 1, 2)


async def test_two_listeners_share_the_work_and_double_nothing(pair: UsagePair) -> None:
    """Two instances of a service in one consumer group apply every event exactly once between them."""
    pair.infra = pair.infra.model_copy(update={"single_instance": False})
    async with AsyncExitStack() as stack:
        for runtime in (pair.publisher(), pair.subscriber(), pair.subscriber()):
            await stack.enter_async_context(runtime.running())
        for account in "abcdefghij":
            await pair.publish(account, *range(1, 21))
        for account in "abcdefghij":
            await pair.receives(account, *range(1, 21))


async def test_one_listener_more_than_partitions_is_ready(pair: UsagePair) -> None:
    """An instance for which the group has no partition is a spare one, not a broken one: it can take calls."""
    pair.infra = pair.infra.model_copy(update={"single_instance": False})
    listeners = [pair.subscriber() for _ in range(pair.infra.topic_partitions + 1)]
    async with AsyncExitStack() as stack:
        for listener in listeners:
            await stack.enter_async_context(listener.running())

        async def all_ready() -> bool:
            try:
                for listener in listeners:
                    await listener.check_consumer()
            except RuntimeError:
                return False
            return True

        await eventually(all_ready)


async def test_a_single_listener_that_is_ready_has_committed_where_it_begins(pair: UsagePair) -> None:
    """So it can be seen what it needs of a log before it has read any; what it has read counts at the next start."""
    group, topic = f"{pair.infra.topic_prefix}ledger", f"{pair.infra.topic_prefix}usage"

    async def committed() -> list[int | None]:
        consumer = AIOKafkaConsumer(bootstrap_servers=pair.infra.kafka_bootstrap, group_id=group)
        await consumer.start()
        try:
            return [await consumer.committed(TopicPartition(topic, number)) for number in range(2)]
        finally:
            await consumer.stop()

    async def started_and_stopped() -> None:
        listener = pair.subscriber()

        async def is_ready() -> bool:
            try:
                await listener.check_consumer()
            except RuntimeError:
                return False
            return True

        async with listener.running():
            await eventually(is_ready)

    await started_and_stopped()
    assert await committed() == [0, 0]
    async with pair.publisher().running(), pair.subscriber().running():
        await pair.publish("anna", 1)
        await pair.receives("anna", 1)

        async def is_committed() -> bool:
            return sorted(filter(None, await committed())) == [1]

        await eventually(is_committed)
    await started_and_stopped()
    assert await is_committed()


async def test_a_relay_under_a_foreign_lease_sends_nothing_until_it_ends(pair: UsagePair) -> None:
    """Only the holder of the lease relays; when it ends, another takes over."""
    holder, other = pair.publisher().relay, pair.publisher().relay
    assert await holder.lease.hold()
    assert not await other.lease.hold()
    await holder.lease.give_up()
    assert await other.lease.hold()


async def test_an_event_whose_handler_always_fails_becomes_a_dead_letter(pair: UsagePair) -> None:
    """It is dead-lettered with its reason, only its aggregate waits, and replaying applies all of it in order."""
    pair.ledger.fail_for["anna"] = PermanentError("anna is not welcome")
    listener = pair.subscriber()
    async with pair.publisher().running(), listener.running():
        await pair.publish("anna", 1)
        await pair.publish("anna", 2)
        await pair.publish("bert", 1)
        await pair.receives("bert", 1)

        async def two_waiting() -> list[Any] | None:
            letters = await listener.dead_letters.page("", 10)
            return letters if len(letters) == 2 else None

        first, second = sorted(await eventually(two_waiting), key=lambda letter: letter.record.offset)
        assert "not welcome" in first.error
        assert second.reason == f"waits_for:{first.id}"
        assert await pair.ledger.of("anna") == []

        pair.ledger.fail_for.clear()
        router = operations_router(listener, pair.received)
        replay = next(route for route in router.routes if route.path.endswith("/replay"))  # type: ignore[attr-defined]
        replayed = await replay.endpoint(first.id)  # type: ignore[attr-defined]
        assert orjson.loads(replayed.body) == {"replayed": 2, "error": None}
        await pair.receives("anna", 1, 2)
        await pair.publish("anna", 3)
        await pair.receives("anna", 1, 2, 3)


async def test_an_event_never_waits_behind_a_dead_letter_that_was_replayed(
    pair: UsagePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replay ends between the look for dead letters and the event's own: the event is handled."""
    pair.ledger.fail_for["anna"] = PermanentError("anna is not welcome")
    listener = pair.subscriber()
    assert listener.consumer is not None
    consumer, dead_letters = listener.consumer, listener.dead_letters
    async with pair.publisher().running(), listener.running():
        await pair.publish("anna", 1)

        async def one_waiting() -> Any:
            return await dead_letters.page("", 10)

        [first] = await eventually(one_waiting)
        pair.ledger.fail_for.clear()
        looks, blocked = 0, dead_letters.blocked

        async def replayed_meanwhile(records: Iterable[Record]) -> dict[tuple[str, str], str]:
            nonlocal looks
            looks, found = looks + 1, await blocked(records)
            if looks == 2:  # the first is that of the batch
                assert found
                assert await consumer.replay(first) == (1, None)
            return found

        monkeypatch.setattr(dead_letters, "blocked", replayed_meanwhile)
        await pair.publish("anna", 2)
        await pair.receives("anna", 1, 2)
        assert looks == 3
        assert await dead_letters.count() == 0


async def test_a_failing_event_is_tried_again_before_it_is_given_up(pair: UsagePair) -> None:
    """A handler that fails for a moment succeeds at a later try, and no dead letter is made."""
    pair.ledger.fail_first["anna"] = 2
    listener = pair.subscriber()
    async with pair.publisher().running(), listener.running():
        await pair.publish("anna", 1)
        await pair.receives("anna", 1)
        assert pair.ledger.fail_first["anna"] == 0
        assert await listener.dead_letters.count() == 0


async def test_an_unreadable_message_is_dead_lettered_and_the_next_ones_proceed(pair: UsagePair) -> None:
    """A message that can't be parsed is kept with its reason and does not stop its partition."""
    listener = pair.subscriber()
    assert listener.consumer is not None
    async with listener.running():
        await listener.consumer.consume([Record("usage", 0, 7, "anna", (), b"{nonsense")])
        (letter,) = await listener.dead_letters.page("", 10)
        assert (letter.reason, letter.id, letter.record.value) == ("unreadable", "usage:0:7", b"{nonsense")
        await listener.consumer.consume([Record("usage", 0, 7, "anna", (), b"{nonsense")])
        assert await listener.dead_letters.count() == 1


async def test_only_an_unreadable_dead_letter_is_discarded(pair: UsagePair) -> None:
    """Once it is gone, what waited behind it is handled; an event that could be read is never given up."""
    pair.ledger.fail_for["bert"] = PermanentError("bert is not welcome")
    listener = pair.subscriber()
    assert listener.consumer is not None
    routes = operations_router(listener, pair.received).routes
    discard = next(route for route in routes if "DELETE" in route.methods)  # type: ignore[attr-defined]
    topic = f"{pair.infra.topic_prefix}usage"
    await listener.consumer.consume([Record(topic, 0, 0, "anna", (), b"{nonsense")])
    async with pair.publisher().running(), listener.running():
        await pair.publish("anna", 1)
        await pair.publish("bert", 1)

        async def three_waiting() -> list[Any] | None:
            letters = await listener.dead_letters.page("", 10)
            return letters if len(letters) == 3 else None

        letters = {letter.reason.partition(":")[0]: letter for letter in await eventually(three_waiting)}
        with pytest.raises(DomainError) as caught:
            await discard.endpoint(letters["failed"].id)  # type: ignore[attr-defined]
        assert problem_of(caught.value).status == 409
        await discard.endpoint(letters["unreadable"].id)  # type: ignore[attr-defined]
        with pytest.raises(DomainError) as caught:
            await discard.endpoint(letters["unreadable"].id)  # type: ignore[attr-defined]
        assert problem_of(caught.value).status == 404
        assert await listener.consumer.replay(letters["waits_for"]) == (1, None)
        await pair.receives("anna", 1)


async def test_a_wiped_topic_is_refilled_from_the_outbox(pair: UsagePair) -> None:
    """After a broker lost a topic with events no one had read, replaying the outbox brings them back."""
    async with pair.publisher().running():
        await pair.publish("anna", 1, 2)

        async def all_sent() -> bool:
            return await pair.published["outbox"].count_documents({"state": "sent"}) == 2

        await eventually(all_sent)
    admin = AIOKafkaAdminClient(bootstrap_servers=pair.infra.kafka_bootstrap)
    await admin.start()
    topic = f"{pair.infra.topic_prefix}usage"
    await admin.delete_topics([topic])

    async def gone() -> bool:
        return topic not in await admin.list_topics()

    await eventually(gone)
    await admin.close()
    await provision_topics(pair.infra)
    ids = [row["_id"] async for row in pair.published["outbox"].find({}, {"_id": 1})]
    publisher = pair.publisher()
    async with publisher.running(), pair.subscriber().running():
        router = operations_router(publisher, pair.published)
        republish = next(r for r in router.routes if r.path.endswith("/republish"))  # type: ignore[attr-defined]
        republished = await republish.endpoint({"event_ids": ids})  # type: ignore[attr-defined]
        assert orjson.loads(republished.body) == {"republished": 2}
        await pair.receives("anna", 1, 2)


async def test_all_events_since_a_moment_are_sent_again(pair: UsagePair) -> None:
    """Events since a given moment are published again, and are handled once."""
    publisher = pair.publisher()
    async with publisher.running(), pair.subscriber().running():
        await pair.publish("anna", 1, 2)
        await pair.receives("anna", 1, 2)
        await eventually(lambda: pair.published["outbox"].find_one({"state": "sent", "sequence": 2}))
        assert await publisher.republish_since(utc_now() + timedelta(minutes=1)) == 0
        assert await publisher.republish_since(utc_now() - timedelta(minutes=1)) == 2
        await pair.publish("anna", 3)
        await pair.receives("anna", 1, 2, 3)


async def test_a_runtime_ends_whenever_it_is_stopped(pair: UsagePair) -> None:
    """Also while its Kafka clients open and close, which is when they swallow a cancellation."""
    for quarter_ms in range(120):
        async with asyncio.timeout(10):
            async with pair.publisher().running():
                await asyncio.sleep(quarter_ms % 24 / 4000)  # the moment of the stop is what is tried

"""How the queue of a subscription is served, on in-memory fakes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from notify_fakes import World

from docstore_events.catalogue.notifications import NotificationFailed, NotificationSent
from docstore_notify.channels.results import Gone, NotNow, Refused
from docstore_notify.domain import Delivery
from docstore_notify.subscriptions.rules import Subscription


async def waiting(world: World, number: int) -> Subscription:
    """A subscription with so many messages in its queue."""
    one = world.follow("anna", "f1")
    for index in range(number):
        now = world.clock()
        message = Delivery(f"m{index}", "anna", "webhook", "file_changed", now, now, ({},), ("e1",))
        await world.deliveries.save([], [replace(message, subscription_id=one.id)], None)
    await world.queues.add_to([one.id], None)
    return one


async def test_messages_are_sent_in_order_and_the_queue_rests() -> None:
    """Each is published as sent."""
    world = World()
    one = await waiting(world, 3)
    await world.work()
    assert [delivery.id for delivery in world.webhook.sent] == ["m0", "m1", "m2"]
    assert world.queues.due == {one.id: None}
    assert [type(event) for event in world.transactor.published] == [NotificationSent] * 3


async def test_a_failing_receiver_holds_up_what_follows_and_is_asked_rarely() -> None:
    """The queue waits longer each time; an accepted message ends that."""
    world = World()
    one = await waiting(world, 2)
    world.webhook.errors = [NotNow("busy")] * 3
    waits = []
    for _ in range(3):
        await world.work()
        due = world.queues.due[one.id]
        assert due is not None
        waits.append(due - world.clock())
        world.clock.now = due
    assert world.webhook.sent == []
    assert waits == sorted(waits)
    assert timedelta(seconds=3) < waits[-1] < timedelta(seconds=5)
    await world.work()
    assert [delivery.id for delivery in world.webhook.sent] == ["m0", "m1"]
    assert world.queues.failures == {}


@pytest.mark.parametrize(("error", "days", "reason"), [(Gone("no more"), 0, "gone"), (NotNow("busy"), 6, "failing")])
async def test_a_receiver_that_is_gone_or_fails_for_days_disables_its_subscription(
    error: Exception, days: int, reason: str
) -> None:
    """Pending deliveries fail, and the owner is notified by mail and in the app."""
    world = World()
    one = await waiting(world, 3)
    if days:
        world.queues.failures[one.id] = (9, world.clock() - timedelta(days=days))
    world.webhook.errors = [error]
    await world.work()
    assert world.subscriptions.rows[one.id].disabled_reason == reason
    failed = [event for event in world.transactor.published if isinstance(event, NotificationFailed)]
    assert [event.delivery_id for event in failed] == ["m0", "m1", "m2"]
    notified = [channel for channel, kind, _ in world.notices("anna") if kind == "subscription_disabled"]
    assert sorted(notified) == ["email", "in_app"]


async def test_a_cancelled_message_does_not_count_against_the_receiver() -> None:
    """One who may not read the file is passed over; a receiver that fails afterwards has failed as long as before."""
    world = World()
    one = await waiting(world, 2)
    since = world.clock() - timedelta(days=4)
    world.queues.failures[one.id] = (9, since)
    world.validity.void.add("m0")
    world.webhook.errors = [NotNow("busy")]
    await world.work()
    assert world.queues.failures[one.id] == (10, since)


async def test_a_refused_message_makes_way_for_the_next() -> None:
    """It fails for good, the next is tried after a pause."""
    world = World()
    await waiting(world, 2)
    world.webhook.errors = [Refused("not like this")]
    await world.work()
    world.clock.advance(seconds=2)
    await world.work()
    assert world.deliveries.states() == ["failed", "sent"]


async def test_a_message_is_given_up_after_its_time() -> None:
    """Though the receiver may come back; the subscription stays."""
    world = World(give_up_after_seconds=60)
    one = await waiting(world, 1)
    world.clock.advance(seconds=61)
    world.webhook.errors = [NotNow("busy")]
    await world.work()
    assert world.deliveries.states() == ["failed"]
    assert world.subscriptions.rows[one.id].active


async def test_waiting_deliveries_of_an_ended_subscription_are_not_sent() -> None:
    """What waits fails, and the queue is deleted."""
    world = World()
    one = await waiting(world, 2)
    del world.subscriptions.rows[one.id]
    await world.work()
    assert (world.webhook.sent, world.deliveries.states()) == ([], ["failed", "failed"])
    assert world.queues.due == {}

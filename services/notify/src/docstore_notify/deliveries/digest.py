"""Digests: combines the notices of one stream into deliveries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from docstore_notify.domain import MAX_EVENTS, Delivery, Notice, Target


@dataclass(frozen=True, slots=True)
class Pacing:
    """Pauses between messages of one stream."""

    pause: timedelta
    """Between two messages; with none, every event is a message."""
    longest_run: timedelta | None = None
    """If set, each event restarts the pause, until the message has waited this long."""


def plan_digests(
    notices: Sequence[Notice], latest: Delivery | None, now: datetime, pacing: Pacing, new_id: Callable[[], str]
) -> list[Delivery]:
    """Return the deliveries, new or extended, for `notices` of one stream, whose last delivery was `latest`.

    The first message is due at once. A later one waits for the pause after the one before, and includes the events
    until then.
    """
    pause = pacing.pause
    if not pause:
        return [new_delivery(new_id(), [notice], now, now) for notice in notices]
    result: list[Delivery] = []
    rest = list(notices)
    if latest is not None and latest.takes_more:
        grown = latest.with_notices(rest[: latest.takes_more])
        result.append(_postponed(grown, now, pacing))
        rest = rest[latest.takes_more :]
    due = max(now, latest.due_at + pause) if latest is not None else now
    if pacing.longest_run and due > now:
        due = now + pause
    while rest:
        result.append(new_delivery(new_id(), rest[:MAX_EVENTS], now, due))
        rest = rest[MAX_EVENTS:]
        due += pause
    return result


def _postponed(waiting: Delivery, now: datetime, pacing: Pacing) -> Delivery:
    if pacing.longest_run is None or waiting.due_at <= waiting.created_at:
        return waiting
    latest_end = waiting.created_at + pacing.longest_run
    return replace(waiting, due_at=max(waiting.due_at, min(now + pacing.pause, latest_end)))


def new_delivery(delivery_id: str, notices: Sequence[Notice], now: datetime, due: datetime) -> Delivery:
    first = notices[0]
    empty = Delivery(
        delivery_id,
        first.account_id,
        first.channel,
        first.kind,
        now,
        due,
        traceparent=first.traceparent,
        target=Target(first.address) if first.address else None,
        subscription_id=first.subscription_id if first.to_machine else None,
    )
    return empty.with_notices(notices)

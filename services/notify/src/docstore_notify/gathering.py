"""How events become messages: who follows what, and what is gathered into one."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from docstore_notify.domain import (
    MAX_EVENTS,
    OWNERS_CHANGES,
    PERSONAL,
    Delivery,
    Facts,
    FileChange,
    Notice,
    Subscription,
    Target,
)


@dataclass(frozen=True, slots=True)
class Pacing:
    """How messages of one stream follow each other."""

    pause: timedelta
    """Between two messages; without one every event is a message of its own."""
    longest_run: timedelta | None = None
    """Each event begins the pause anew, until the message has waited for so long: a run of events ends with one."""


def gather(
    notices: Sequence[Notice], latest: Delivery | None, now: datetime, pacing: Pacing, new_id: Callable[[], str]
) -> list[Delivery]:
    """The deliveries, new or grown, that tell `notices` of one stream, whose last delivery was `latest`.

    The first message goes at once; those after it wait until the pause has passed since the one before, and take in
    what comes meanwhile.
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


def followers(
    subscriptions: Iterable[Subscription],
    *,
    file_id: str,
    ancestors: Collection[str],
    owner_id: str,
    readers: Collection[str],
    change: FileChange,
) -> list[Subscription]:
    """Whose subscriptions tell of a change: a person's channel once, though they may follow both the file and a folder
    above it; a machine for each of its subscriptions."""
    told: dict[tuple[str, str], Subscription] = {}
    for one in subscriptions:
        may_hear = one.account_id == owner_id or (one.account_id in readers and change not in OWNERS_CHANGES)
        if one.active and may_hear and change in one.events and (one.file_id == file_id or one.file_id in ancestors):
            told.setdefault((one.account_id, one.channel if one.channel in PERSONAL else one.id), one)
    return list(told.values())


def seen_paths(facts: Facts, *, file_id: str, ancestors: Sequence[str], followed_id: str) -> Facts:
    """What is said of paths to somebody with whom the followed node was shared: they begin at that node, for the names
    above it are not theirs to read. Of where it was before, the name."""
    parts = str(facts["path"]).split("/")[1:]
    below = 0 if followed_id == file_id else len(ancestors) - list(ancestors).index(followed_id)
    seen: Facts = {**facts, "path": "/" + "/".join(parts[-below - 1 :])}
    if "previous_path" in facts:
        seen["previous_path"] = "/" + str(facts["previous_path"]).rpartition("/")[2]
    return seen

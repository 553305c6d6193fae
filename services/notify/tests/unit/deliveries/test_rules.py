"""The rules of telling people, by themselves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_notify.deliveries.digest import Pacing, plan_digests
from docstore_notify.deliveries.rules import LONGEST_RETRY, MAX_RETRY_AFTER, retry_after
from docstore_notify.domain import LONGEST_RUN, MAX_EVENTS, MAX_LISTED, Delivery, Notice
from docstore_notify.preferences.rules import Preferences
from docstore_notify.subscriptions.rules import FILE_CHANGES, Subscription, followers, seen_paths

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PAUSE = timedelta(seconds=5)
IDS = count()


def notices(number: int, start: int = 0) -> list[Notice]:
    return [Notice("anna", "email", "upload_done", f"e{start + n}", {"path": f"/{n}"}) for n in range(number)]


def digested(number: int, latest: Delivery | None, now: datetime, pause: timedelta = PAUSE) -> list[Delivery]:
    return plan_digests(notices(number), latest, now, Pacing(pause), lambda: str(next(IDS)))


def sent(delivery: Delivery) -> Delivery:
    return Delivery(
        delivery.id, "anna", "email", "upload_done", delivery.created_at, delivery.due_at, state="sent", attempts=1
    )


def test_the_first_message_goes_at_once() -> None:
    """A recipient without a recent message is notified now."""
    (delivery,) = digested(3, None, NOW)
    assert (delivery.due_at, len(delivery.event_ids)) == (NOW, 3)


def test_later_events_are_collected_into_a_digest() -> None:
    """Within the pause after a message, events grow one digest that is due when the pause is over."""
    (first,) = digested(1, None, NOW)
    later = NOW + timedelta(seconds=1)
    (digest,) = digested(1, sent(first), later)
    assert digest.due_at == NOW + PAUSE
    (grown,) = digested(4, digest, later)
    assert (grown.id, grown.due_at, len(grown.event_ids)) == (digest.id, digest.due_at, 5)


def test_a_message_a_sender_has_had_takes_nothing_more() -> None:
    """It may have been sent: what is added to it then might never be read."""
    (first,) = digested(1, None, NOW)
    tried = Delivery(first.id, "anna", "email", "upload_done", NOW, NOW, first.items, first.event_ids, attempts=1)
    (second,) = digested(1, tried, NOW)
    assert second.id != first.id
    assert second.due_at == NOW + PAUSE


@given(st.lists(st.integers(0, 240), min_size=1, max_size=60), st.sampled_from([timedelta(minutes=5), LONGEST_RUN]))
def test_a_run_of_uploads_is_one_message_at_each_end(gaps: list[int], longest: timedelta) -> None:
    """However the uploads follow each other, each is sent once: the first at once, the rest when the run has ended."""
    pacing = Pacing(timedelta(minutes=5), longest)
    now, latest, due = NOW, None, []
    messages: dict[str, Delivery] = {}
    for gap in gaps:
        now += timedelta(seconds=gap)
        if latest is not None and latest.due_at <= now and latest.attempts == 0:
            latest = messages[latest.id] = replace(latest, state="sent", attempts=1)
            due.append(latest.due_at)
        for one in plan_digests(notices(1), latest, now, pacing, lambda: str(next(IDS))):
            latest = messages[one.id] = one
    assert sum(len(one.event_ids) for one in messages.values()) == len(gaps)
    assert all(one.due_at - one.created_at <= longest for one in messages.values())
    assert sorted(due) == due
    if timedelta(seconds=sum(gaps)) < longest - pacing.pause:
        assert len(messages) <= 2


def test_without_a_pause_each_event_is_a_message() -> None:
    """NOTIFY_DIGEST_INTERVAL_SECONDS=0 gathers nothing."""
    assert [len(one.event_ids) for one in digested(3, None, NOW, timedelta())] == [1, 1, 1]


def test_ten_thousand_events_are_two_messages_that_list_fifty_each() -> None:
    """A batch of files does not fill the mailbox, and a message does not grow without end."""
    deliveries = digested(10_000, None, NOW)
    assert [(len(one.event_ids), len(one.items), one.unlisted) for one in deliveries] == [
        (MAX_EVENTS, MAX_LISTED, MAX_EVENTS - MAX_LISTED)
    ] * 2
    assert [one.due_at for one in deliveries] == [NOW, NOW + PAUSE]


@given(st.lists(st.tuples(st.integers(1, 7000), st.integers(0, 9), st.booleans()), max_size=8))
def test_every_event_is_in_exactly_one_message(steps: list[tuple[int, int, bool]]) -> None:
    """However events and senders take turns, none is lost or sent twice, and messages keep their distance."""
    now, latest, notified, number = NOW, None, {}, 0
    for amount, seconds, take_up in steps:
        now += timedelta(seconds=seconds)
        if take_up and latest is not None and latest.due_at <= now:
            latest = sent(latest)
        for delivery in plan_digests(notices(amount, number), latest, now, Pacing(PAUSE), lambda: str(next(IDS))):
            notified[delivery.id] = delivery
            latest = delivery
        number += amount
    events = [event for delivery in notified.values() for event in delivery.event_ids]
    assert sorted(events) == sorted(f"e{n}" for n in range(number))
    dues = sorted(delivery.due_at for delivery in notified.values())
    assert all(later - earlier >= PAUSE for earlier, later in pairwise(dues))


def follows(account: str, file_id: str, *events: str) -> Subscription:
    return Subscription(f"{account}-{file_id}", account, file_id, "email", events or FILE_CHANGES, NOW)  # type: ignore[arg-type]


def test_followers_of_the_file_and_of_folders_above_it_are_notified_once() -> None:
    """Following both a file and its folder is no reason for two messages."""
    subscriptions = [follows("anna", "f"), follows("anna", "docs"), follows("bert", "docs"), follows("cleo", "other")]
    notified = followers(
        subscriptions,
        file_id="f",
        ancestors=("root", "docs"),
        owner_id="anna",
        readers={"bert", "cleo"},
        change="moved",
    )
    assert [one.account_id for one in notified] == ["anna", "bert"]


def test_a_machine_is_notified_by_each_of_its_subscriptions() -> None:
    """They have different targets, so none replaces another; a disabled one sends nothing."""
    docs, file = (replace(follows("anna", file_id), channel="webhook") for file_id in ("docs", "f"))
    disabled = replace(follows("anna", "f"), id="off", channel="sqs", disabled_reason="gone")
    notified = followers(
        [docs, file, disabled], file_id="f", ancestors=("docs",), owner_id="anna", readers=(), change="moved"
    )
    assert notified == [docs, file]


def test_shares_of_a_file_are_notified_to_its_owner_alone() -> None:
    """A reader who chose it is not notified of other readers."""
    subscriptions = [follows("anna", "f", "shared"), follows("bert", "f", "shared")]
    notified = followers(subscriptions, file_id="f", ancestors=(), owner_id="anna", readers={"bert"}, change="shared")
    assert [one.account_id for one in notified] == ["anna"]


@pytest.mark.parametrize(("followed", "path"), [("a", "/A/B/f"), ("b", "/B/f"), ("f", "/f")])
def test_a_reader_sees_paths_from_what_they_follow_on(followed: str, path: str) -> None:
    """The names of the owner's folders above it are not theirs to read."""
    facts = {"path": "/A/B/f", "previous_path": "/secret/old"}
    seen = seen_paths(facts, file_id="f", ancestors=("root", "a", "b"), followed_id=followed)
    assert seen == {"path": path, "previous_path": "/old"}


def test_only_readers_who_chose_the_change_are_notified() -> None:
    """A revoked right ends the notices; a follower of deletions gets nothing else."""
    subscriptions = [follows("anna", "f"), follows("bert", "f", "deleted")]
    notified = followers(subscriptions, file_id="f", ancestors=(), owner_id="cleo", readers={"bert"}, change="modified")
    assert notified == []


def test_notifications_are_on_by_default() -> None:
    """A person without preferences is notified of everything, but not by mail of every opening of a link."""
    assert Preferences("anna").wants("upload_done", "email")
    assert not Preferences("anna").wants("link_opened", "email")
    assert Preferences("anna").wants("link_opened", "in_app")
    assert not Preferences("anna", {"upload_done": {"email": False}}).wants("upload_done", "email")


def test_tries_grow_rarer_up_to_a_limit() -> None:
    """A channel that is down for hours is asked again every quarter of an hour."""
    waits = [retry_after(attempts) for attempts in range(1, 40)]
    assert waits[:3] == [timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4)]
    assert waits[-1] == LONGEST_RETRY
    assert waits == sorted(waits)


def test_a_receiver_is_left_alone_for_its_retry_after() -> None:
    """But for no more than an hour, and never for less than it would have been."""
    assert retry_after(1, 60.0) == timedelta(minutes=1)
    assert retry_after(1, 1e6) == MAX_RETRY_AFTER
    assert retry_after(20, 1.0) == LONGEST_RETRY


def test_items_that_may_no_longer_be_read_are_left_out() -> None:
    """The events of the items that are dropped go with them; those that are only counted stay."""
    (delivery,) = digested(MAX_LISTED + 2, None, NOW)
    left = delivery.without([index > 0 for index in range(MAX_LISTED)])
    assert (len(left.items), left.event_ids[0], left.unlisted) == (1, delivery.event_ids[0], 2)

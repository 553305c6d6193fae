"""The rules of quota, by themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from docstore_quota.rules import (
    MAX_OPEN_RESERVATIONS,
    Account,
    Added,
    Admission,
    Drift,
    Freed,
    PlanSet,
    Released,
    Reservation,
    Stored,
    TooManyUploads,
    Totals,
    admit,
    drift_between,
    totals_change,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
HOUR = timedelta(hours=1)


def free_account(**figures: int) -> Account:
    return Account("anna", "free", **{"limit": 100, **figures})


def test_exactly_what_fits_is_admitted_in_order() -> None:
    """An upload too large is passed over; a later one that fits is let in."""
    admission = admit(free_account(used=40), {"a": 50, "b": 20, "c": 10, "d": 1})
    assert admission.fitting == {"a": 50, "c": 10}
    assert admission.refused == ("b", "d")


def test_an_upload_that_has_its_room_already_is_known() -> None:
    """Asking again takes no more room, even when none is left."""
    account = free_account()
    account.reserve({"a": 100}, NOW)
    assert admit(account, {"a": 100, "b": 1}).known == {"a"}


def test_files_of_a_pack_that_have_their_room_already_are_known() -> None:
    """Asking again lets in the same ones, whatever room there is by now."""
    account, sizes = free_account(used=60), {"p-0": 30, "p-1": 20, "p-2": 10}
    account.reserve(admit(account, sizes).fitting, NOW)
    account.used = 0
    assert admit(account, sizes) == Admission(frozenset({"p-0", "p-2"}), {}, ("p-1",))


def test_too_many_open_uploads_are_refused() -> None:
    """The cap on open reservations bounds the account's document."""
    with pytest.raises(TooManyUploads):
        admit(free_account(open=MAX_OPEN_RESERVATIONS), {"a": 0})
    nearly = free_account(open=MAX_OPEN_RESERVATIONS - 1)
    assert admit(nearly, {"p-0": 1, "p-1": 1}).fitting.keys() == {"p-0", "p-1"}, "a pack is one"
    with pytest.raises(TooManyUploads):
        admit(nearly, {"p-0": 1, "q-0": 1})


def test_a_stored_upload_uses_up_its_reservation() -> None:
    """What was reserved becomes used, at the size that was kept."""
    account = free_account()
    account.reserve({"a": 30, "b": 5}, NOW)
    account.apply(Added(28, 1, "a"))
    assert (account.used, account.reserved, account.open, account.documents) == (28, 5, 1, 1)


def test_over_quota_is_published_when_it_begins_and_when_it_ends() -> None:
    """The flag changes only when the limit is crossed, by bytes or by a change of plan."""
    account = free_account()
    account.apply(Added(101, 1, None))
    assert account.update_over_quota() == "exceeded"
    assert account.update_over_quota() is None
    account.apply(PlanSet("premium", 400, 2))
    assert account.update_over_quota() == "restored"
    account.apply(PlanSet("free", 100, 3))
    assert account.update_over_quota() == "exceeded"
    account.apply(Freed(1, 0))
    assert account.update_over_quota() == "restored"


def test_an_old_plan_does_not_come_back() -> None:
    """A plan with a lower revision is outdated."""
    account = free_account()
    account.apply(PlanSet("premium", 400, 2))
    account.apply(PlanSet("free", 100, 1))
    assert (account.plan, account.limit) == ("premium", 400)


def test_a_refusal_is_published_once_an_hour() -> None:
    """A client that tries again and again does not send a mail each time."""
    account = free_account()
    assert account.notifies_refusal(NOW)
    account.told_exceeded_at = NOW
    assert not account.notifies_refusal(NOW + HOUR - timedelta(seconds=1))
    assert account.notifies_refusal(NOW + HOUR)


def test_a_change_of_plan_moves_the_totals() -> None:
    """Documents and bytes leave one plan's totals and enter the other's."""
    before = free_account(used=7, documents=2)
    after = before.snapshot()
    after.plan = "premium"
    assert totals_change([(before, after)]) == {"free": Totals(-1, -2, -7), "premium": Totals(1, 2, 7)}


def test_drift_is_confirmed_once_it_has_stayed_the_same() -> None:
    """A difference that changes begins again: it may be an event under way."""
    account = free_account(used=10, documents=1, revision=3)
    first = drift_between(account, Stored(4, 1), None, NOW, HOUR)
    assert first == Drift("anna", 6, 0, 3, NOW)
    other = drift_between(account, Stored(5, 1), first, NOW + HOUR, HOUR)
    assert other is not None
    assert not other.confirmed
    same = drift_between(account, Stored(5, 1), other, NOW + 2 * HOUR, HOUR)
    assert same is not None
    assert same.confirmed
    assert drift_between(account, Stored(10, 1), same, NOW, HOUR) is None


class AccountOfOnePerson(RuleBasedStateMachine):
    """Uploads, purges and plan changes in any order leave an account's figures right."""

    uploads = Bundle("uploads")

    def __init__(self) -> None:
        super().__init__()
        self.account = free_account()
        self.kept: list[int] = []
        self.slices: dict[str, int] = {}
        self.next_id = 0
        self.now = NOW

    @rule(target=uploads, sizes=st.lists(st.integers(0, 60), min_size=1, max_size=4), minutes=st.integers(0, 90))
    def reserve(self, sizes: list[int], minutes: int) -> str:
        ids = [f"u{self.next_id + number}" for number in range(len(sizes))]
        self.next_id += len(sizes)
        wanted = dict(zip(ids, sizes, strict=True))
        admission = admit(self.account, wanted)
        before = self.account.used + self.account.reserved
        self.account.reserve(admission.fitting, self.now + timedelta(minutes=minutes))
        if admission.fitting:
            assert before + sum(admission.fitting.values()) <= self.account.limit
        for upload_id in admission.refused:
            assert not self.account.fits(wanted[upload_id])
        return ids[0]

    @rule(upload_id=uploads)
    def keep(self, upload_id: str) -> None:
        reservation = self.account.reservations.get(upload_id, Reservation(5, NOW))
        self.account.apply(Added(reservation.size, 1, upload_id))
        self.kept.append(reservation.size)

    @rule(sizes=st.lists(st.integers(0, 30), min_size=1, max_size=4), minutes=st.integers(0, 90))
    def reserve_pack(self, sizes: list[int], minutes: int) -> None:
        wanted = {f"p{self.next_id}-{number}": size for number, size in enumerate(sizes)}
        self.next_id += 1
        fitting = admit(self.account, wanted).fitting
        self.account.reserve(fitting, self.now + timedelta(minutes=minutes))
        assert admit(self.account, wanted).known >= fitting.keys()
        self.slices |= fitting

    @precondition(lambda self: self.slices)
    @rule(is_kept=st.booleans())
    def end_slice(self, is_kept: bool) -> None:
        upload_id, size = self.slices.popitem()
        if is_kept:
            self.account.apply(Added(size, 1, upload_id))
            self.kept.append(size)
        else:
            self.account.apply(Released(upload_id.partition("-")[0], size))

    @rule(upload_id=uploads)
    def release(self, upload_id: str) -> None:
        self.account.apply(Released(upload_id))
        self.account.apply(Released(upload_id))

    @rule()
    def purge(self) -> None:
        if self.kept:
            self.account.apply(Freed(self.kept.pop(), 1))

    @rule(minutes=st.integers(1, 60))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.account.expire(self.now)
        assert all(kept.expires_at > self.now for kept in self.account.reservations.values())

    @rule(premium=st.booleans())
    def change_plan(self, premium: bool) -> None:
        revision = self.account.plan_revision + 1
        self.account.apply(PlanSet("premium", 400, revision) if premium else PlanSet("free", 100, revision))

    @invariant()
    def figures_are_right(self) -> None:
        reservations = self.account.reservations.values()
        assert self.account.reserved == sum(kept.size for kept in reservations)
        assert self.account.open == len(reservations)
        assert (self.account.used, self.account.documents) == (sum(self.kept), len(self.kept))
        earliest = min((kept.expires_at for kept in reservations), default=None)
        if earliest is None:
            assert self.account.next_expiry is None
        else:
            assert self.account.next_expiry is not None
            assert self.account.next_expiry <= earliest

    @invariant()
    def the_flag_follows_the_figures(self) -> None:
        self.account.update_over_quota()
        assert self.account.over_quota == (self.account.used > self.account.limit)


TestAccountOfOnePerson = AccountOfOnePerson.TestCase

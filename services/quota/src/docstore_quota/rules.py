"""Rules of quota: what an account may reserve, how reservations end, and when it is over its limit.

All sizes are bytes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

Plan = Literal["free", "premium"]
PLANS: tuple[Plan, ...] = ("free", "premium")
Crossing = Literal["exceeded", "restored"]

MAX_OPEN_RESERVATIONS = 10_000
NOTIFY_AGAIN_AFTER = timedelta(hours=1)


class TooManyUploads(Exception):
    """An account has as many open uploads as allowed."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Storage reserved for an upload; for a pack, what its files still need together."""

    size: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Added:
    """Bytes were stored; the reservation of their upload, if any, ends."""

    bytes: int
    documents: int
    upload_id: str | None


@dataclass(frozen=True, slots=True)
class Freed:
    """Bytes were permanently deleted."""

    bytes: int
    documents: int


@dataclass(frozen=True, slots=True)
class Released:
    """An upload or a pack ended without storing its bytes; `part`: so many bytes of a pack."""

    reservation_id: str
    part: int | None = None


@dataclass(frozen=True, slots=True)
class PlanSet:
    """The account has this plan, as of this revision of the account."""

    plan: Plan
    limit: int
    revision: int


Change = Added | Freed | Released | PlanSet


def reservation_of(upload_id: str) -> str:
    """Return the reservation of an upload: the files of a pack (`PACK-NUMBER`) share one."""
    return upload_id.partition("-")[0]


def used_by(change: Change) -> str | None:
    """Return the reservation that a change uses or ends, if any."""
    match change:
        case Added(upload_id=str(upload_id)):
            return reservation_of(upload_id)
        case Released(reservation_id):
            return reservation_id
    return None


@dataclass(slots=True)
class Account:
    """Usage and reservations of an account. `reservations` may contain only the loaded ones; `reserved` is the sum of
    all, and `open` their number."""

    id: str
    plan: Plan
    limit: int
    used: int = 0
    reserved: int = 0
    open: int = 0
    documents: int = 0
    over_quota: bool = False
    revision: int = 0
    """Number of the last published change of its usage."""
    plan_revision: int = 0
    told_exceeded_at: datetime | None = None
    next_expiry: datetime | None = None
    """No reservation expires before; it may be earlier than the first expiry."""
    reservations: dict[str, Reservation] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    """Reservations that have ended since the account was loaded."""

    def snapshot(self) -> "Account":
        return replace(self, reservations=dict(self.reservations), ended=set())

    def fits(self, size: int) -> bool:
        return self.used + self.reserved + size <= self.limit

    def reserve(self, sizes: Mapping[str, int], expires_at: datetime) -> None:
        """Reserve storage for uploads that fit, as the caller has checked."""
        for reservation_id, size in sizes_by_reservation(sizes).items():
            self.reservations[reservation_id] = Reservation(size, expires_at)
            self.reserved += size
            self.open += 1
            self.next_expiry = min(self.next_expiry or expires_at, expires_at)

    def apply(self, change: Change) -> None:
        match change:
            case Added(size, documents, upload_id):
                self.used += size
                self.documents += documents
                if upload_id is not None:
                    reservation_id = reservation_of(upload_id)
                    self.release(reservation_id, size if reservation_id != upload_id else None)
            case Freed(size, documents):
                # Never below zero: freeing uncounted bytes is drift, which the reconciler reports.
                self.used = max(self.used - size, 0)
                self.documents = max(self.documents - documents, 0)
            case Released(reservation_id, part):
                self.release(reservation_id, part)
            case PlanSet(plan, limit, revision):
                if revision > self.plan_revision:
                    self.plan, self.limit, self.plan_revision = plan, limit, revision

    def release(self, reservation_id: str, part: int | None = None) -> None:
        """End a reservation, or release so many bytes of a pack's: it ends with the last ones.

        An ended or unknown reservation is ignored.
        """
        reservation = self.reservations.get(reservation_id)
        if reservation is None:
            return
        left = 0 if part is None else max(reservation.size - part, 0)
        self.reserved -= reservation.size - left
        if left:
            self.reservations[reservation_id] = replace(reservation, size=left)
            return
        del self.reservations[reservation_id]
        self.open -= 1
        self.ended.add(reservation_id)
        if self.open == 0:
            self.next_expiry = None

    def expire(self, before: datetime) -> None:
        """End every reservation that expired by `before`; all of them must be loaded."""
        for reservation_id in [key for key, kept in self.reservations.items() if kept.expires_at <= before]:
            self.release(reservation_id)
        self.next_expiry = min((kept.expires_at for kept in self.reservations.values()), default=None)

    def update_over_quota(self) -> Crossing | None:
        """Update the over-quota flag; return the direction of a change."""
        over = self.used > self.limit
        if over == self.over_quota:
            return None
        self.over_quota = over
        return "exceeded" if over else "restored"

    def notifies_refusal(self, now: datetime) -> bool:
        """Whether the person is notified of a refused upload now: at most once an hour."""
        return self.told_exceeded_at is None or now - self.told_exceeded_at >= NOTIFY_AGAIN_AFTER


def figures(account: Account) -> tuple[int, int, int]:
    """Figures of usage-changed: used, limit, documents."""
    return account.used, account.limit, account.documents


@dataclass(frozen=True, slots=True)
class Admission:
    """Result for a batch of uploads: already reserved, accepted, refused."""

    known: frozenset[str]
    fitting: dict[str, int]
    refused: tuple[str, ...]


def sizes_by_reservation(sizes: Mapping[str, int]) -> dict[str, int]:
    """Return the sizes of the reservations of these uploads."""
    sums: dict[str, int] = {}
    for upload_id, size in sizes.items():
        reservation_id = reservation_of(upload_id)
        sums[reservation_id] = sums.get(reservation_id, 0) + size
    return sums


def admit(account: Account, sizes: Mapping[str, int]) -> Admission:
    """Accept uploads in order exactly as long as they fit; TooManyUploads beyond the limit.

    If a pack has its reservation already, the files that fit into it are those that were accepted then.
    """
    new = sizes_by_reservation(sizes).keys() - account.reservations.keys()
    if account.open + len(new) > MAX_OPEN_RESERVATIONS:
        raise TooManyUploads
    room = {key: kept.size for key, kept in account.reservations.items()}
    known: set[str] = set()
    fitting: dict[str, int] = {}
    refused: list[str] = []
    taken = 0
    for upload_id, size in sizes.items():
        reservation_id = reservation_of(upload_id)
        if reservation_id == upload_id and upload_id in room:
            known.add(upload_id)
        elif size <= room.get(reservation_id, -1):
            known.add(upload_id)
            room[reservation_id] -= size
        elif reservation_id in new and account.fits(taken + size):
            fitting[upload_id] = size
            taken += size
        else:
            refused.append(upload_id)
    return Admission(frozenset(known), fitting, tuple(refused))


@dataclass(frozen=True, slots=True)
class Totals:
    """Accounts, their files, and the bytes of all versions."""

    accounts: int = 0
    documents: int = 0
    bytes: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(self.accounts + other.accounts, self.documents + other.documents, self.bytes + other.bytes)

    def __neg__(self) -> "Totals":
        return Totals(-self.accounts, -self.documents, -self.bytes)


def totals_of(account: Account) -> Totals:
    return Totals(1, account.documents, account.used)


def totals_change(pairs: Iterable[tuple[Account | None, Account]]) -> dict[Plan, Totals]:
    """Return how the totals of each plan change when accounts change from before to after; before None: new."""
    change: dict[Plan, Totals] = {}
    for before, after in pairs:
        if before is not None:
            change[before.plan] = change.get(before.plan, Totals()) + -totals_of(before)
        change[after.plan] = change.get(after.plan, Totals()) + totals_of(after)
    return {plan: difference for plan, difference in change.items() if difference != Totals()}


@dataclass(frozen=True, slots=True)
class Stored:
    """Sum of an account's versions in metadata."""

    bytes: int
    documents: int


@dataclass(frozen=True, slots=True)
class Drift:
    """Difference between an account's counted and stored usage."""

    account_id: str
    bytes: int
    documents: int
    revision: int
    """Revision of the usage when it was seen."""
    seen_at: datetime
    confirmed: bool = False


def drift_between(
    account: Account, stored: Stored, earlier: Drift | None, now: datetime, after: timedelta
) -> Drift | None:
    """Return the drift of an account; it is confirmed once it has not changed for `after`, so that it is not caused by
    events under way."""
    difference = (account.used - stored.bytes, account.documents - stored.documents)
    if difference == (0, 0):
        return None
    fresh = Drift(account.id, *difference, account.revision, now)
    if earlier is None or replace(earlier, seen_at=now, confirmed=False) != fresh:
        return fresh
    return replace(earlier, confirmed=earlier.confirmed or now - earlier.seen_at >= after)

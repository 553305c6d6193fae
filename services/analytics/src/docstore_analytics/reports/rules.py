"""Rules of figures: which there are, and in which hour and day something counts. Standard library only."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

Plan = Literal["free", "premium"]
Step = Literal["hour", "day"]
STEPS: Mapping[Step, timedelta] = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
UNKNOWN_PLAN: Plan = "free"
"""Plan of an account whose events have not arrived yet, as of every new account."""

Count = tuple[datetime, str, str]
"""When it happened, which figure, and its dimension (mostly the plan)."""


@dataclass(frozen=True, slots=True)
class PlanSeen:
    """Plan and name of an account, as of this revision of the account."""

    account_id: str
    plan: Plan
    revision: int
    at: datetime
    name: str = ""
    """Display name."""


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """Total usage of an account, as of this revision of its usage."""

    account_id: str
    bytes: int
    documents: int
    revision: int
    at: datetime


@dataclass(slots=True)
class Account:
    """Known facts about an account, the newest of each kind. Revision 0: nothing yet."""

    plan: Plan = UNKNOWN_PLAN
    plan_revision: int = 0
    bytes: int = 0
    documents: int = 0
    usage_revision: int = 0
    name: str = ""

    def see_plan(self, seen: PlanSeen, counts: "Counts") -> None:
        """Move the account's figures from plan to plan; an older revision changes nothing."""
        if seen.revision <= self.plan_revision:
            return
        known = self.plan_revision > 0
        if not known or seen.plan != self.plan:
            moved = {"accounts": 1 if known else 0, "documents": self.documents, "bytes": self.bytes}
            for figure, amount in moved.items():
                counts.add(seen.at, figure, self.plan, -amount)
            for figure, amount in {**moved, "accounts": 1}.items():
                counts.add(seen.at, figure, seen.plan, amount)
        self.plan, self.plan_revision, self.name = seen.plan, seen.revision, seen.name

    def see_usage(self, seen: UsageSeen, counts: "Counts") -> None:
        """Count the difference to the known usage: repeated or late events count once."""
        if seen.revision <= self.usage_revision:
            return
        counts.add(seen.at, "documents", self.plan, seen.documents - self.documents)
        counts.add(seen.at, "bytes", self.plan, seen.bytes - self.bytes)
        self.bytes, self.documents, self.usage_revision = seen.bytes, seen.documents, seen.revision


@dataclass(slots=True)
class Counts:
    """Figures to add, by hour."""

    by_hour: Counter[Count] = field(default_factory=Counter)

    def add(self, at: datetime, figure: str, divided_by: str, amount: int) -> None:
        if amount:
            self.by_hour[start_of("hour", at), figure, divided_by] += amount

    def by_step(self, step: Step) -> Counter[Count]:
        counts: Counter[Count] = Counter()
        for (hour, figure, divided_by), amount in self.by_hour.items():
            counts[start_of(step, hour), figure, divided_by] += amount
        return counts


@dataclass(slots=True)
class FileCounts:
    """Amounts to add to a file's figures."""

    shares: int = 0
    links: int = 0
    opens: int = 0
    downloads: int = 0
    file_name: str = ""
    owner_id: str = ""
    gone: bool = False

    def name(self, file_name: str, owner_id: str) -> None:
        self.file_name, self.owner_id = file_name, owner_id


def start_of(step: Step, at: datetime) -> datetime:
    """Return the start of the hour or day, in UTC."""
    moment = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return moment if step == "hour" else moment.replace(hour=0)


def steps_between(step: Step, begin: datetime, end: datetime) -> Iterable[datetime]:
    """Iterate over the starts of the hours or days that overlap [begin, end)."""
    at = start_of(step, begin)
    while at < end:
        yield at
        at += STEPS[step]


def running_total(values: Iterable[int], start: int) -> list[int]:
    """Return the cumulative levels of what each step adds."""
    totals = []
    for value in values:
        start += value
        totals.append(start)
    return totals

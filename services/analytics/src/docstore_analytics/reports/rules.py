"""Rules of counting: which figures there are, and in which hour and day something counts. Standard library only."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

Plan = Literal["free", "premium"]
Step = Literal["hour", "day"]
STEPS: Mapping[Step, timedelta] = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
UNKNOWN_PLAN: Plan = "free"
"""Of an account whose events have not come yet: everybody begins with it."""

Count = tuple[datetime, str, str]
"""When it happened, which figure, and by what it is divided (mostly the plan)."""


@dataclass(frozen=True, slots=True)
class PlanSeen:
    """An account is on this plan, and has this name, as of this revision of the account."""

    account_id: str
    plan: Plan
    revision: int
    at: datetime
    name: str = ""
    """What the account is called by people."""


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """What an account uses in all, as of this revision of its usage."""

    account_id: str
    bytes: int
    documents: int
    revision: int
    at: datetime


@dataclass(slots=True)
class Account:
    """What is known of one account: the newest of each kind. Revision 0: nothing yet."""

    plan: Plan = UNKNOWN_PLAN
    plan_revision: int = 0
    bytes: int = 0
    documents: int = 0
    usage_revision: int = 0
    name: str = ""

    def see_plan(self, seen: PlanSeen, counts: "Counts") -> None:
        """Move what the account counts for from plan to plan; an older revision changes nothing."""
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
        """Count the difference to what was known: what is published twice, or late, counts once."""
        if seen.revision <= self.usage_revision:
            return
        counts.add(seen.at, "documents", self.plan, seen.documents - self.documents)
        counts.add(seen.at, "bytes", self.plan, seen.bytes - self.bytes)
        self.bytes, self.documents, self.usage_revision = seen.bytes, seen.documents, seen.revision


@dataclass(slots=True)
class Counts:
    """Figures to be added, by the hour in which they happened."""

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
    """What is to be added to a file's figures."""

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
    """The beginning of the hour or day, in UTC."""
    moment = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return moment if step == "hour" else moment.replace(hour=0)


def steps_between(step: Step, begin: datetime, end: datetime) -> Iterable[datetime]:
    """The beginning of each hour or day that has a part in [begin, end)."""
    at = start_of(step, begin)
    while at < end:
        yield at
        at += STEPS[step]


def running_total(values: Iterable[int], start: int) -> list[int]:
    """Levels, from what each step adds."""
    totals = []
    for value in values:
        start += value
        totals.append(start)
    return totals

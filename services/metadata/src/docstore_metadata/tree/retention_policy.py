"""Retention policies: how long trash and old versions are kept. Standard library only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from docstore_metadata.errors import InvalidRetention

MAX_DAYS = 36_500
"""The longest period that may be chosen; None is for ever."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Days are None for ever."""

    trash_days: int | None
    """How long trash is kept before it is deleted."""
    versions: int
    """How many versions of a file are kept, the current one included."""
    version_days: int | None
    """How long a version is kept after it was replaced."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose, and when."""

    policy: Policy | None
    """None: the operator's default."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Bounds:
    """The operator's default policy, and the limits of what an account may choose."""

    default: Policy
    most: Policy
    grace: timedelta
    """Delay after which a choice takes effect: until then it can be reverted without loss."""

    def of(self, choice: Choice | None) -> Policy:
        """The effective policy. A choice made before the operator lowered the limits is reduced to them."""
        wanted = (choice and choice.policy) or self.default
        return Policy(
            self.days("trash_days", wanted.trash_days),
            min(wanted.versions, self.most.versions),
            self.days("version_days", wanted.version_days),
        )

    def days(self, name: str, wanted: int | None) -> int | None:
        """The effective `trash_days` or `version_days` where this was chosen."""
        most: int | None = getattr(self.most, name)
        if most is None:
            return wanted
        return most if wanted is None else min(wanted, most)

    def versions_kept(self, choice: Choice | None, now: datetime) -> int:
        """How many versions of a file are kept; the maximum while a choice has not yet taken effect."""
        if choice is not None and now < choice.at + self.grace:
            return self.most.versions
        return self.of(choice).versions

    def check(self, policy: Policy) -> None:
        """InvalidRetention for values outside the operator's limits."""
        for name in ("trash_days", "version_days"):
            self._check_days(name, getattr(policy, name), getattr(self.most, name))
        if not 1 <= policy.versions <= self.most.versions:
            raise InvalidRetention(f"versions is 1 to {self.most.versions}.", field="versions")

    def _check_days(self, name: str, days: int | None, most: int | None) -> None:
        if days is None and most is not None:
            raise InvalidRetention(f"{name} is {most} at the most here: nothing is kept for ever.", field=name)
        if days is not None and not 1 <= days <= (most or MAX_DAYS):
            raise InvalidRetention(f"{name} is 1 to {most or MAX_DAYS}.", field=name)

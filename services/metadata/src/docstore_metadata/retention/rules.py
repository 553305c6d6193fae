"""How long an account keeps what it no longer needs: what its person chose, within what the operator allows.

Standard library only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from docstore_metadata.errors import InvalidRetention

MAX_DAYS = 36_500
"""The longest time that may be named; longer is for ever."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Days are None for ever."""

    trash_days: int | None
    """How long something lies in the trash before it goes for good."""
    versions: int
    """How many versions of a file are kept, the current one included."""
    version_days: int | None
    """How long a version is kept after another has taken its place."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose, and when."""

    policy: Policy | None
    """None: what the operator says, again."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Bounds:
    """What holds for accounts that have chosen nothing, and the most that anybody's files are kept."""

    default: Policy
    most: Policy
    grace: timedelta
    """A choice takes effect so much later: until then it can be taken back and nothing is gone."""

    def of(self, choice: Choice | None) -> Policy:
        """What holds for an account. A choice of the time before the operator's limits were lowered is cut to them."""
        wanted = (choice and choice.policy) or self.default
        return Policy(
            self.days("trash_days", wanted.trash_days),
            min(wanted.versions, self.most.versions),
            self.days("version_days", wanted.version_days),
        )

    def days(self, name: str, wanted: int | None) -> int | None:
        """What holds of `trash_days` or `version_days` where this was chosen."""
        most: int | None = getattr(self.most, name)
        if most is None:
            return wanted
        return most if wanted is None else min(wanted, most)

    def versions_kept(self, choice: Choice | None, now: datetime) -> int:
        """How many versions a new one leaves: as many as there may be while a choice does not yet take effect."""
        if choice is not None and now < choice.at + self.grace:
            return self.most.versions
        return self.of(choice).versions

    def check(self, policy: Policy) -> None:
        """InvalidRetention for what is more than the operator allows, or nothing at all."""
        for name in ("trash_days", "version_days"):
            self._check_days(name, getattr(policy, name), getattr(self.most, name))
        if not 1 <= policy.versions <= self.most.versions:
            raise InvalidRetention(f"versions is 1 to {self.most.versions}.", field="versions")

    def _check_days(self, name: str, days: int | None, most: int | None) -> None:
        if days is None and most is not None:
            raise InvalidRetention(f"{name} is {most} at the most here: nothing is kept for ever.", field=name)
        if days is not None and not 1 <= days <= (most or MAX_DAYS):
            raise InvalidRetention(f"{name} is 1 to {most or MAX_DAYS}.", field=name)

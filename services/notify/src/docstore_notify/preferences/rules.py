"""Kinds of notifications, their defaults for each channel, and what an account chose instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from docstore_notify.domain import ChosenKind, PersonalChannel

OFF_BY_DEFAULT: frozenset[tuple[ChosenKind, PersonalChannel]] = frozenset(
    {("link_opened", "email"), ("link_opened", "push"), ("upload_done", "push")}
)


@dataclass(frozen=True, slots=True)
class Preferences:
    """Preferences of a person; missing ones have their default."""

    account_id: str
    choices: Mapping[ChosenKind, Mapping[PersonalChannel, bool]] = field(default_factory=dict)

    def wants(self, kind: ChosenKind, channel: PersonalChannel) -> bool:
        """On by default, except mails and pushes about every opening of a link, and pushes about one's own uploads."""
        usual = (kind, channel) not in OFF_BY_DEFAULT
        return self.choices.get(kind, {}).get(channel, usual)

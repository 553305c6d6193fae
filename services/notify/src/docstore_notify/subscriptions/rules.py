"""What a subscription is, and which changes of files match it. Standard library only."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from docstore_notify.domain import NOWHERE, PERSONAL, Facts, Target

FileChange = Literal[
    "created", "modified", "moved", "deleted", "restored", "tagged", "shared", "unshared", "link_opened"
]
FILE_CHANGES: tuple[FileChange, ...] = get_args(FileChange)
OWNERS_CHANGES: frozenset[FileChange] = frozenset({"shared", "unshared", "link_opened"})
"""Changes of shares and links are sent to the owner only."""
USUAL_CHANGES: tuple[FileChange, ...] = ("created", "modified", "moved", "deleted", "restored")
"""Events of a subscription that names none."""


@dataclass(frozen=True, slots=True)
class IdempotentCall:
    """A call with an Idempotency-Key, by hashes."""

    key: str
    """Hash of the key."""
    body: str
    """Hash of the request."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A person follows a file, or a folder with all its contents."""

    id: str
    account_id: str
    file_id: str
    channel: str
    events: tuple[FileChange, ...]
    created_at: datetime
    target: Target = NOWHERE
    disabled_reason: str | None = None
    """Why nothing is sent; None while it is active."""
    made_by: "IdempotentCall | None" = None
    """The call that created it, if it had an Idempotency-Key: repeated, it creates no second subscription."""

    @property
    def active(self) -> bool:
        return self.disabled_reason is None


def followers(
    subscriptions: Iterable[Subscription],
    *,
    file_id: str,
    ancestors: Collection[str],
    owner_id: str,
    readers: Collection[str],
    change: FileChange,
) -> list[Subscription]:
    """Return the subscriptions that match a change: a person's channel once, though they may follow both the file and a
    folder above it; a machine for each of its subscriptions."""
    told: dict[tuple[str, str], Subscription] = {}
    for one in subscriptions:
        may_hear = one.account_id == owner_id or (one.account_id in readers and change not in OWNERS_CHANGES)
        if one.active and may_hear and change in one.events and (one.file_id == file_id or one.file_id in ancestors):
            told.setdefault((one.account_id, one.channel if one.channel in PERSONAL else one.id), one)
    return list(told.values())


def seen_paths(facts: Facts, *, file_id: str, ancestors: Sequence[str], followed_id: str) -> Facts:
    """Return paths for a person with whom the followed node is shared: relative to that node, since the names above it
    are not theirs to read. Of an earlier path, only the name."""
    parts = str(facts["path"]).split("/")[1:]
    below = 0 if followed_id == file_id else len(ancestors) - list(ancestors).index(followed_id)
    seen: Facts = {**facts, "path": "/" + "/".join(parts[-below - 1 :])}
    if "previous_path" in facts:
        seen["previous_path"] = "/" + str(facts["previous_path"]).rpartition("/")[2]
    return seen

"""Rules of locks and properties. Standard library only."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from docstore_metadata.errors import Locked, TooLarge
from docstore_metadata.tree.locks import covering
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Lock

MAX_LOCKS = 32
"""Of one file or folder, which all share it."""
MAX_LOCKS_OF_ACCOUNT = 1_000
MAX_PROPERTIES = 100
MAX_PROPERTY_BYTES = 64 * 1024
"""Of one file or folder together: they are read with it."""

Properties = tuple[tuple[str, str], ...]
Change = tuple[str, str | None]
"""A property's name and its XML; None removes it."""


def with_lock(place: Place, lock: Lock, inside: Sequence[Lock], now: datetime) -> tuple[Lock, ...]:
    """The locks in force of a node with a new one. `inside`: locks on what is in the folder.

    Locked if one of the locks, or the new one, is exclusive and they cover the same.
    """
    own = [each for each in place.node.locks if each.expires_at > now]
    if any(each.token == lock.token for each in own):
        return tuple(own)
    others = [*covering(place, now), *(inside if lock.deep else ())]
    if any(lock.exclusive or each.exclusive for each in others):
        raise Locked
    if len(own) >= MAX_LOCKS:
        raise TooLarge(f"It has {MAX_LOCKS} locks already.", code="too_many_locks")
    return (*own, lock)


def renewed(locks: Sequence[Lock], token: str, expires_at: datetime) -> tuple[Lock, ...]:
    return tuple(replace(each, expires_at=expires_at) if each.token == token else each for each in locks)


def with_changes(properties: Properties, changes: Sequence[Change]) -> Properties:
    """Properties after these changes; TooLarge `too_many_properties` beyond the limits."""
    by_name: dict[str, str | None] = dict(properties)
    by_name.update(changes)
    kept = tuple((name, xml) for name, xml in by_name.items() if xml is not None)
    size = sum(len(name.encode()) + len(xml.encode()) for name, xml in kept)
    if len(kept) > MAX_PROPERTIES or size > MAX_PROPERTY_BYTES:
        detail = f"A file or folder has at most {MAX_PROPERTIES} properties of {MAX_PROPERTY_BYTES} bytes together."
        raise TooLarge(detail, code="too_many_properties")
    return kept

"""Write locks of files and folders, as WebDAV has them (RFC 4918, 6 and 7). Standard library only.

A lock on a folder covers its name and which names are in it; a deep one also all that is in it. An account that changes
something that is locked must be the account that holds a lock on it, and name that lock's token.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from docstore_metadata.errors import Locked
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Lock, Node

NO_TOKENS: Container[str] = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """An account with the locks that it names as its own, at a moment."""

    account_id: str
    tokens: Container[str]
    now: datetime

    def holds(self, lock: Lock) -> bool:
        return lock.token in self.tokens and lock.account_id == self.account_id

    def check(self, *places: Place) -> None:
        """Locked if one of these is, unless the account holds one of its locks."""
        for place in places:
            locks = list(covering(place, self.now))
            if locks and not any(map(self.holds, locks)):
                raise Locked

    def check_member(self, place: Place) -> None:
        """Check what is renamed, moved or deleted: also its folder, whose names change."""
        self.check(place, *([] if place.node.is_root else [parent_of(place)]))

    def check_inside(self, folder: Node, locked: Sequence[Place]) -> None:
        """Check that nothing in a folder is locked, of all that is locked in its owner's tree."""
        for place in locked:
            own = [lock for lock in place.node.locks if lock.expires_at > self.now]
            if folder.id in place.ancestor_ids and own and not any(map(self.holds, own)):
                raise Locked


def parent_of(place: Place) -> Place:
    return Place(place.ancestors[-1], place.ancestors[:-1])


def covering(place: Place, now: datetime) -> Iterator[Lock]:
    """The locks in force that cover a place: its own, and deep ones of folders above."""
    for node in (*place.ancestors, place.node):
        for lock in node.locks:
            if lock.expires_at > now and (lock.deep or node is place.node):
                yield lock

"""What the planner works on: three trees, the nodes they are joined to, and the actions that make them one.

Standard library only.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

MAX_DEPTH = 1000


class Kind(StrEnum):
    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"
    """On the disk and not synced: ignored, a symbolic link, a device. It holds its place."""


@dataclass(frozen=True, slots=True)
class LocalEntry:
    """Something in the synced folder; `identity` is its device and inode. `trouble`: why it can't be read now."""

    kind: Kind
    sha256: str = ""
    identity: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """Something in the account's tree."""

    id: str
    parent_id: str
    name: str
    kind: Kind
    sha256: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class SyncedEntry:
    """What both sides had when they were last the same."""

    id: str
    parent_id: str
    name: str
    kind: Kind
    sha256: str = ""
    identity: str = ""


@dataclass(eq=False, slots=True)
class Spot:
    """Where a node is on one side, and what it holds. `key`: identity on this disk, or id at the server."""

    parent: "Node"
    name: str
    key: str = ""
    sha256: str = ""
    version: int = 0
    trouble: str = ""

    def is_at(self, parent: "Node", name: str) -> bool:
        return self.parent is parent and self.name == name


@dataclass(eq=False, slots=True)
class Node:
    """One file or folder, wherever it is. The root is on all sides and has no spots; its id is `root_id`."""

    kind: Kind
    local: Spot | None = None
    remote: Spot | None = None
    synced: Spot | None = None
    synced_id: str = ""
    """The id at the server that it was synced as."""
    goal: Spot | None = None
    """Where it is to be on both sides; None: nowhere."""
    aside: str = ""
    """Why nothing is done about it."""
    root_id: str = ""

    @property
    def is_root(self) -> bool:
        return bool(self.root_id)

    @property
    def remote_id(self) -> str:
        return self.root_id or (self.remote.key if self.remote else "")

    @property
    def is_here(self) -> bool:
        return self.is_root or self.local is not None

    @property
    def is_there(self) -> bool:
        return self.is_root or self.remote is not None

    def chain(self, side: str) -> Iterator["Node"]:
        """The node and what is above it on one side, the root left out."""
        node, spot = self, getattr(self, side)
        for _ in range(MAX_DEPTH):  # what was synced at different times may name a circle
            if spot is None:
                return
            yield node
            node = spot.parent
            spot = getattr(node, side)

    def path(self, side: str) -> str:
        """By names from the root down, as in `a/b`."""
        return "/".join(reversed([getattr(node, side).name for node in self.chain(side)]))


class Do(StrEnum):
    MOVE_HERE = "move here"
    MOVE_THERE = "move there"
    MAKE_HERE = "make folder here"
    MAKE_THERE = "make folder there"
    DELETE_HERE = "delete here"
    DELETE_THERE = "delete there"
    UPLOAD = "upload"
    DOWNLOAD = "download"
    RECORD = "record"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Action:
    """One step. Moves, folders and transfers lead to `parent` and `name`. `doomed`: all that a deletion may take."""

    do: Do
    node: Node
    parent: Node | None = None
    name: str = ""
    conflict: bool = False
    """The local content gives way to a name of its own."""
    doomed: frozenset[Node] = frozenset()


@dataclass(frozen=True, slots=True)
class Aside:
    """Left alone, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class Plan:
    """Actions by phase: records in any order; then each side's structure, one after the other; transfers in any order;
    removals, one after the other."""

    root: Node
    nodes: list[Node] = field(default_factory=list)
    records: list[Action] = field(default_factory=list)
    structure_here: list[Action] = field(default_factory=list)
    structure_there: list[Action] = field(default_factory=list)
    transfers: list[Action] = field(default_factory=list)
    removals: list[Action] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    giving_way: list[str] = field(default_factory=list)
    """Paths of files to be moved out of the way before: they are edited and may only be read."""
    question: str = ""
    """Why somebody should agree to this plan first: it deletes very much."""

    @property
    def actions(self) -> list[Action]:
        return [
            *self.records,
            *self.structure_here,
            *self.structure_there,
            *self.transfers,
            *self.removals,
        ]

    @property
    def is_last(self) -> bool:
        """Whether carrying it out leaves nothing to plan: it notes what is the same already, and nothing else.

        Where something is set aside, a note may end what was known of that: then there is more to note.
        """
        return not self.aside and all(action.do is Do.RECORD for action in self.actions)

"""Data model of the planner: entries of the three trees, nodes that join them, and actions.

Standard library only.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

MAX_DEPTH = 1000
IGNORED = "ignored"
OUTSIDE = "it is outside of the selected folders"
"""Reasons not to sync a path."""


class Kind(StrEnum):
    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"
    """On the disk, but not synced: ignored, a symbolic link, a device."""


@dataclass(frozen=True, slots=True)
class LocalEntry:
    """A local entry. `identity`: device and inode; `trouble`: why it can't be read now."""

    kind: Kind
    sha256: str = ""
    identity: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """An entry of the account's tree."""

    id: str
    parent_id: str
    name: str
    kind: Kind
    sha256: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class SyncedEntry:
    """An entry as both sides last had it."""

    id: str
    parent_id: str
    name: str
    kind: Kind
    sha256: str = ""
    identity: str = ""


@dataclass(frozen=True, slots=True)
class BegunUpload:
    """An upload of a new version of a file that may have ended without a record."""

    id: str
    base_version: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BegunRemoval:
    """A synced entry whose local copy, at `path`, is being deleted because it left the account or the selection."""

    id: str
    path: str


@dataclass(eq=False, slots=True)
class Location:
    """A node's location and content on one side. `key`: identity on the disk, or id on the server."""

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
    """A file or folder on any side. The root is on all sides and has no locations; its id is `root_id`."""

    kind: Kind
    local: Location | None = None
    remote: Location | None = None
    synced: Location | None = None
    synced_id: str = ""
    """Server id under which it was synced."""
    goal: Location | None = None
    """Target location on both sides; None: to be deleted."""
    skip_reason: str = ""
    """Why it is not synced; empty if it is."""
    root_id: str = ""

    @property
    def is_root(self) -> bool:
        return bool(self.root_id)

    @property
    def remote_id(self) -> str:
        return self.root_id or (self.remote.key if self.remote else "")

    @property
    def is_local(self) -> bool:
        return self.is_root or self.local is not None

    @property
    def is_remote(self) -> bool:
        return self.is_root or self.remote is not None

    def chain(self, side: str) -> Iterator["Node"]:
        """The node and its ancestors on one side, without the root."""
        node, location = self, getattr(self, side)
        for _ in range(MAX_DEPTH):  # records of different times may form a circle
            if location is None:
                return
            yield node
            node = location.parent
            location = getattr(node, side)

    def path(self, side: str) -> str:
        """Path from the root, as in `a/b`."""
        return "/".join(reversed([getattr(node, side).name for node in self.chain(side)]))


class ActionType(StrEnum):
    MOVE_LOCAL = "move here"
    MOVE_REMOTE = "move there"
    MAKE_LOCAL = "make folder here"
    MAKE_REMOTE = "make folder there"
    DELETE_LOCAL = "delete here"
    DELETE_REMOTE = "delete there"
    UPLOAD = "upload"
    DOWNLOAD = "download"
    RECORD = "record"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Action:
    """One step. Moves, new folders and transfers lead to `parent` and `name`; `deleted_nodes`: all of a deletion."""

    do: ActionType
    node: Node
    parent: Node | None = None
    name: str = ""
    conflict: bool = False
    """The local content gets a conflict name."""
    deleted_nodes: frozenset[Node] = frozenset()


@dataclass(frozen=True, slots=True)
class SkippedPath:
    """A path that is not synced, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class Plan:
    """Actions by phase: records in any order; the structure of each side in order; transfers in any order; removals in
    order."""

    root: Node
    nodes: list[Node] = field(default_factory=list)
    records: list[Action] = field(default_factory=list)
    local_structure: list[Action] = field(default_factory=list)
    remote_structure: list[Action] = field(default_factory=list)
    transfers: list[Action] = field(default_factory=list)
    removals: list[Action] = field(default_factory=list)
    skipped: list[SkippedPath] = field(default_factory=list)
    displaced: list[str] = field(default_factory=list)
    """Paths of edited read-only files that must be moved away first."""
    question: str = ""
    """Question that the user must confirm first: the plan deletes most files."""

    @property
    def actions(self) -> list[Action]:
        return [
            *self.records,
            *self.local_structure,
            *self.remote_structure,
            *self.transfers,
            *self.removals,
        ]

    @property
    def is_last(self) -> bool:
        """Whether carrying it out leaves nothing to plan: it only records nodes that are equal already.

        If a path is skipped, a record may make other nodes plannable.
        """
        return not self.skipped and all(action.do is ActionType.RECORD for action in self.actions)

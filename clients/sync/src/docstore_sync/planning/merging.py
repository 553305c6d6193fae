"""Decides the goal of each node: the location it gets on both sides. Standard library only.

If one side changed, the other follows. If both changed, an edit or a file's move to another folder wins over a
deletion, the server's location wins over the local one, and the server's content keeps the name: the local content
gets a conflict name.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator

from docstore_sync.model import IGNORED, OUTSIDE, Kind, Location, Node
from docstore_sync.names import Rules, local_name_error, remote_name_error
from docstore_sync.planning.matching import Forest

Ignored = Callable[[str, bool], bool]
"""Whether a path, of a folder or a file, is excluded from syncing."""


class Merger:
    """Sets the goals of a forest's nodes, or the reason to skip them."""

    def __init__(self, forest: Forest, rules: Rules, ignored: Ignored, outside: Ignored) -> None:
        self._forest = forest
        self._nodes = forest.nodes
        self._rules = rules
        self._ignored = ignored
        self._outside = outside
        self._below: defaultdict[Node, set[Node]] = defaultdict(set)
        for node in self._nodes:
            for location in (node.local, node.remote, node.synced):
                if location:
                    self._below[location.parent].add(node)

    def run(self) -> None:
        """Set all goals. Local content that conflicts with the server's becomes a node of its own."""
        self._skip_by_name()
        while True:
            self._set_goals()
            if not self._skip_by_clash():
                break
        self._split_conflicts()
        self._rename_clashing()

    # --- skipped nodes -----------------------------------------------------------------------------------

    def _skip(self, node: Node, reason: str) -> None:
        """Skip a node and everything that is or was inside it on any side."""
        waiting = [node]
        while waiting:
            each = waiting.pop()
            if not each.skip_reason:
                each.skip_reason, each.goal = reason, None
                waiting += self._below[each]

    def _skip_by_name(self) -> None:
        others = {(n.local.parent, n.local.name): n for n in self._nodes if n.kind is Kind.OTHER and n.local}
        for node in self._nodes:
            locations = [node.local] if node.local else [node.remote, node.synced]
            other = next((others[s.parent, s.name] for s in locations if s and (s.parent, s.name) in others), None)
            if reason := self._reason(node, other):
                self._skip(node, reason)

    def _reason(self, node: Node, other: Node | None) -> str:
        """Why a node can't be synced. `other`: the unsynced entry at its local path, or itself."""
        if other is not None and other.local:
            return other.local.trouble or IGNORED
        if node.remote:
            if refused := local_name_error(node.remote.name, windows=self._rules.windows):
                return refused
            if self._ignored(node.path("remote"), node.kind is Kind.FOLDER):
                return IGNORED
            if self._outside(node.path("remote"), node.kind is Kind.FOLDER):
                return OUTSIDE
        if node.local:
            if self._outside(node.path("local"), node.kind is Kind.FOLDER):
                return OUTSIDE
            return node.local.trouble or remote_name_error(node.local.name) or ""
        return ""

    def _skip_by_clash(self) -> bool:
        """Skip nodes whose goal is taken by a skipped node or a name in other case. Return whether there were any."""
        key = self._rules.key
        skipped = [node for node in self._nodes if node.skip_reason]
        here = {(node.local.parent, key(node.local.name)) for node in skipped if node.local}
        there = {(node.remote.parent, node.remote.name) for node in skipped if node.remote}
        found = [
            (node, "its name is taken by something that is not synced")
            for node in self._nodes
            if node.goal and not _is_at_goal(node)
            if (node.goal.parent, key(node.goal.name)) in here or (node.goal.parent, node.goal.name) in there
        ]
        for group in self._groups():
            first, *rest = sorted(group, key=_precedence)
            assert first.goal
            for node in rest:
                if node.goal and node.goal.name != first.goal.name and node.remote:
                    found.append((node, f"this disk can't distinguish its name from {first.goal.name}"))
        waiting = {(node.local.key, node.local.sha256) for node in skipped if node.local and node.local.sha256}
        found += [
            (node, "its former content is not synced under its new name")
            for node in self._nodes
            if not (node.goal or node.skip_reason or node.local)
            if node.remote and node.synced and (node.synced.key, node.remote.sha256) in waiting
        ]
        for node, reason in found:
            self._skip(node, reason)
        return bool(found)

    # --- goals -------------------------------------------------------------------------------------------

    def _set_goals(self) -> None:
        """Set the goals of all nodes that are kept."""
        pinned = {
            location.parent
            for node in self._nodes
            if node.skip_reason
            for location in (node.local, node.remote)
            if location
        }
        kept: list[Node] = []
        for node in self._nodes:
            node.goal = None
            if not node.skip_reason:
                node.goal = self._place(node)
                if node.goal and (node in pinned or _is_kept(node)):
                    kept.append(node)
        self._break_circles()
        wanted: set[Node] = set()
        for node in kept:
            above: Node | None = node
            while above is not None and not above.is_root and above not in wanted:
                wanted.add(above)
                above = above.goal.parent if above.goal else None
        for node in self._nodes:
            if node not in wanted:
                node.goal = None

    def _place(self, node: Node) -> Location | None:
        local, remote, synced = node.local, node.remote, node.synced
        if local is None or remote is None:
            only = local or remote
            return Location(only.parent, only.name) if only else None
        moved_there = synced is None or not remote.is_at(synced.parent, synced.name)
        # A temporary name left by an interrupted plan is no move.
        passing_there = self._rules.is_own_temporary(remote.name)
        winner = remote if moved_there and not passing_there else local
        if self._rules.is_own_temporary(winner.name) and synced and (synced.parent.is_local or synced.parent.is_remote):
            winner = synced
        return Location(winner.parent, winner.name)

    def _break_circles(self) -> None:
        """Resolve folders that were moved into each other: local moves are undone."""
        while circle := self._circle():
            back = [n for n in circle if n.goal and n.remote and not n.goal.is_at(n.remote.parent, n.remote.name)]
            for node in back:
                assert node.remote
                node.goal = Location(node.remote.parent, node.remote.name)
            if not back:
                assert circle[0].goal
                circle[0].goal.parent = self._forest.root

    def _circle(self) -> list[Node]:
        done: set[Node] = set()
        for start in self._nodes:
            way: dict[Node, None] = {}
            node = start
            while node.goal and node not in done and node not in way:
                way[node] = None
                node = node.goal.parent
            if node in way:
                nodes = list(way)
                return nodes[nodes.index(node) :]
            done.update(way)
        return []

    def _groups(self) -> Iterator[list[Node]]:
        """Groups of nodes with the same goal."""
        key = self._rules.key
        places: defaultdict[tuple[Node, str], list[Node]] = defaultdict(list)
        for node in self._nodes:
            if node.goal:
                places[node.goal.parent, key(node.goal.name)].append(node)
        return (group for group in places.values() if len(group) > 1)

    # --- conflicts ---------------------------------------------------------------------------------------

    def _split_conflicts(self) -> None:
        copies: list[Node] = []
        for node in self._nodes:
            if node.kind is Kind.FILE and node.goal and is_conflict(node):
                copy = Node(Kind.FILE, local=node.local, goal=Location(node.goal.parent, node.goal.name))
                node.local = None
                copies.append(copy)
        self._nodes += copies

    def _rename_clashing(self) -> None:
        key = self._rules.key
        taken: defaultdict[Node, set[str]] = defaultdict(set)
        groups = list(self._groups())
        if groups:
            for node in self._nodes:
                for location in (node.local, node.remote, node.goal):
                    if location:
                        taken[location.parent].add(key(location.name))
        for group in groups:
            for node in sorted(group, key=_precedence)[1:]:
                assert node.goal
                node.goal.name = self._rules.conflict_name(node.goal.name, taken[node.goal.parent])
                taken[node.goal.parent].add(key(node.goal.name))


def _is_kept(node: Node) -> bool:
    """Whether a node is kept for itself; a folder may also be kept for its contents."""
    local, remote, synced = node.local, node.remote, node.synced
    if (local and remote) or synced is None:
        return bool(local or remote)
    if node.kind is Kind.FOLDER:
        return False
    only = local or remote
    assert only
    return only.sha256 != synced.sha256 or only.parent is not synced.parent


def is_conflict(node: Node) -> bool:
    """Whether both sides have changed the content differently."""
    if not node.local or not node.remote or node.local.sha256 == node.remote.sha256:
        return False
    return node.synced is None or node.synced.sha256 not in (node.local.sha256, node.remote.sha256)


def _precedence(node: Node) -> tuple[int, str]:
    """Sort key of who keeps a name: nodes that have it on the server, then synced nodes, then local ones."""
    goal = node.goal
    assert goal
    if node.remote and node.remote.is_at(goal.parent, goal.name):
        return 0, node.remote.name
    return (1 if node.remote else 2), goal.name


def _is_at_goal(node: Node) -> bool:
    """Whether a node is at its goal on both sides."""
    goal = node.goal
    assert goal
    return all(
        location is not None and location.is_at(goal.parent, goal.name) for location in (node.local, node.remote)
    )

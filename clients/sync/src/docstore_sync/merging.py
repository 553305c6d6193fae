"""Decides where everything is to be: each node's goal, the same on both sides. Standard library only.

One side changed: the other follows. Both did: an edit outlives a deletion, so does a file's move to another folder;
of two places the server's; of two contents the server's keeps the name, and the local one gets a name of its own.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator

from docstore_sync.matching import Forest
from docstore_sync.model import Kind, Node, Spot
from docstore_sync.names import Rules, refused_there

Ignored = Callable[[str, bool], bool]
"""Whether a path, of a folder or not, is left out of syncing."""
IGNORED = "ignored"


class Merger:
    """Sets the goals of a forest's nodes, and why some are set aside."""

    def __init__(self, forest: Forest, rules: Rules, ignored: Ignored) -> None:
        self._forest = forest
        self._nodes = forest.nodes
        self._rules = rules
        self._ignored = ignored
        self._below: defaultdict[Node, set[Node]] = defaultdict(set)
        for node in self._nodes:
            for spot in (node.local, node.remote, node.synced):
                if spot:
                    self._below[spot.parent].add(node)

    def run(self) -> None:
        """Local content that has to give way to the server's is split off into nodes of its own."""
        self._set_aside_by_name()
        while True:
            self._set_goals()
            if not self._set_aside_by_clash():
                break
        self._split_conflicts()
        self._rename_clashing()

    # --- what is left alone ------------------------------------------------------------------------------

    def _set_aside(self, node: Node, reason: str) -> None:
        """It, and all that is or was in it on any side."""
        waiting = [node]
        while waiting:
            each = waiting.pop()
            if not each.aside:
                each.aside, each.goal = reason, None
                waiting += self._below[each]

    def _set_aside_by_name(self) -> None:
        others = {(n.local.parent, n.local.name): n for n in self._nodes if n.kind is Kind.OTHER and n.local}
        for node in self._nodes:
            spots = [node.local] if node.local else [node.remote, node.synced]
            other = next((others[s.parent, s.name] for s in spots if s and (s.parent, s.name) in others), None)
            if reason := self._reason(node, other):
                self._set_aside(node, reason)

    def _reason(self, node: Node, other: Node | None) -> str:
        """Why nothing can be done about a node; `other`: what is in its place here, or itself, and not synced."""
        if other is not None and other.local:
            return other.local.trouble or IGNORED
        if node.remote:
            if refused := self._rules.refused_here(node.remote.name):
                return refused
            if self._ignored(node.path("remote"), node.kind is Kind.FOLDER):
                return IGNORED
        if node.local:
            return node.local.trouble or refused_there(node.local.name) or ""
        return ""

    def _set_aside_by_clash(self) -> bool:
        """What is to go where something set aside is, or another spelling of its name; whether there was any."""
        key = self._rules.key
        aside = [node for node in self._nodes if node.aside]
        here = {(node.local.parent, key(node.local.name)) for node in aside if node.local}
        there = {(node.remote.parent, node.remote.name) for node in aside if node.remote}
        found = [
            (node, "its name is taken by something that is set aside")
            for node in self._nodes
            if node.goal and not _is_at_goal(node)
            if (node.goal.parent, key(node.goal.name)) in here or (node.goal.parent, node.goal.name) in there
        ]
        for group in self._groups():
            first, *rest = sorted(group, key=_precedence)
            assert first.goal
            for node in rest:
                if node.goal and node.goal.name != first.goal.name and node.remote:
                    found.append((node, f"this disk can't tell its name from {first.goal.name}"))
        waiting = {(node.local.key, node.local.sha256) for node in aside if node.local and node.local.sha256}
        found += [
            (node, "what it was is set aside under another name")
            for node in self._nodes
            if not (node.goal or node.aside or node.local)
            if node.remote and node.synced and (node.synced.key, node.remote.sha256) in waiting
        ]
        for node, reason in found:
            self._set_aside(node, reason)
        return bool(found)

    # --- where everything goes ---------------------------------------------------------------------------

    def _set_goals(self) -> None:
        """Goals of all nodes that are kept."""
        pinned = {spot.parent for node in self._nodes if node.aside for spot in (node.local, node.remote) if spot}
        kept: list[Node] = []
        for node in self._nodes:
            node.goal = None
            if not node.aside:
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

    def _place(self, node: Node) -> Spot | None:
        local, remote, synced = node.local, node.remote, node.synced
        if local is None or remote is None:
            only = local or remote
            return Spot(only.parent, only.name) if only else None
        moved_there = synced is None or not remote.is_at(synced.parent, synced.name)
        # What a plan before has put out of the way for a moment, nobody has moved.
        passing_there = self._rules.is_own_temporary(remote.name)
        winner = remote if moved_there and not passing_there else local
        if self._rules.is_own_temporary(winner.name) and synced and (synced.parent.is_here or synced.parent.is_there):
            winner = synced
        return Spot(winner.parent, winner.name)

    def _break_circles(self) -> None:
        """Folders moved into each other: what was moved here goes back to where the server has it."""
        while circle := self._circle():
            back = [n for n in circle if n.goal and n.remote and not n.goal.is_at(n.remote.parent, n.remote.name)]
            for node in back:
                assert node.remote
                node.goal = Spot(node.remote.parent, node.remote.name)
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
        """Nodes that are to have one name in one folder."""
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
                copy = Node(Kind.FILE, local=node.local, goal=Spot(node.goal.parent, node.goal.name))
                node.local = None
                copies.append(copy)
        self._nodes += copies

    def _rename_clashing(self) -> None:
        key = self._rules.key
        taken: defaultdict[Node, set[str]] = defaultdict(set)
        groups = list(self._groups())
        if groups:
            for node in self._nodes:
                for spot in (node.local, node.remote, node.goal):
                    if spot:
                        taken[spot.parent].add(key(spot.name))
        for group in groups:
            for node in sorted(group, key=_precedence)[1:]:
                assert node.goal
                node.goal.name = self._rules.conflict_name(node.goal.name, taken[node.goal.parent])
                taken[node.goal.parent].add(key(node.goal.name))


def _is_kept(node: Node) -> bool:
    """Whether it is to be for its own sake; a folder may be for that of what is in it, too."""
    local, remote, synced = node.local, node.remote, node.synced
    if (local and remote) or synced is None:
        return bool(local or remote)
    if node.kind is Kind.FOLDER:
        return False
    only = local or remote
    assert only
    return only.sha256 != synced.sha256 or only.parent is not synced.parent


def is_conflict(node: Node) -> bool:
    """Whether both sides have changed the content, and differently."""
    if not node.local or not node.remote or node.local.sha256 == node.remote.sha256:
        return False
    return node.synced is None or node.synced.sha256 not in (node.local.sha256, node.remote.sha256)


def _precedence(node: Node) -> tuple[int, str]:
    """Who keeps a name: what has it at the server, then what is synced, then what has it here."""
    goal = node.goal
    assert goal
    if node.remote and node.remote.is_at(goal.parent, goal.name):
        return 0, node.remote.name
    return (1 if node.remote else 2), goal.name


def _is_at_goal(node: Node) -> bool:
    """Whether it is where it is to be on both sides."""
    goal = node.goal
    assert goal
    return all(spot is not None and spot.is_at(goal.parent, goal.name) for spot in (node.local, node.remote))

"""Orders the steps of one side so that none overwrites anything. Standard library only.

Goals form a tree, so folders are moved from the root down: a folder's parent is always in place first, and no move
closes a circle. A node that occupies another's goal is moved to its own goal first if that is free, deleted if it is to
be deleted, or else renamed to a temporary name.
"""

from collections import defaultdict
from typing import Literal

from docstore_sync.model import Action, ActionType, Kind, Location, Node
from docstore_sync.names import Rules

LONGEST_CHAIN = 50
Side = Literal["local", "remote"]
MOVE: dict[Side, ActionType] = {"local": ActionType.MOVE_LOCAL, "remote": ActionType.MOVE_REMOTE}
MAKE: dict[Side, ActionType] = {"local": ActionType.MAKE_LOCAL, "remote": ActionType.MAKE_REMOTE}
DELETE: dict[Side, ActionType] = {"local": ActionType.DELETE_LOCAL, "remote": ActionType.DELETE_REMOTE}
TRANSFER: dict[Side, ActionType] = {"local": ActionType.DOWNLOAD, "remote": ActionType.UPLOAD}


class Steps:
    """Computes the steps of one side on a copy of its locations."""

    def __init__(self, side: Side, nodes: list[Node], rules: Rules) -> None:
        self._side: Side = side
        self._rules = rules
        self._nodes = nodes
        self._at: dict[Node, tuple[Node, str]] = {}
        self._in: defaultdict[Node, dict[str, Node]] = defaultdict(dict)
        self._placed: set[Node] = set()
        self._passing = 0
        self.structure: list[Action] = []
        self.transfers: list[Action] = []
        self.removals: list[Action] = []
        for node in nodes:
            location = self._spot(node)
            if location:
                self._put(node, location.parent, location.name)

    def _spot(self, node: Node) -> Location | None:
        return node.local if self._side == "local" else node.remote

    def _put(self, node: Node, parent: Node, name: str) -> None:
        self._take_away(node)
        self._at[node] = parent, name
        self._in[parent][self._key(name)] = node

    def _take_away(self, node: Node) -> None:
        at = self._at.pop(node, None)
        if at is not None and self._in[at[0]].get(self._key(at[1])) is node:
            del self._in[at[0]][self._key(at[1])]

    def _key(self, name: str) -> str:
        return self._rules.key(name) if self._side == "local" else name

    def work_out(self) -> None:
        for node in sorted((node for node in self._nodes if node.goal), key=_depth):
            self._place(node, ())
        for node in self._nodes:
            if node in self._at and _is_deleted(node) and not self._is_below_deleted(node):
                self._remove(node, self.removals)

    def _place(self, node: Node, waiting: tuple[Node, ...]) -> None:
        """Move a node to its goal. `waiting`: nodes that wait for this one to move."""
        goal = node.goal
        assert goal
        if node in self._placed:
            return
        if self._at.get(node) != (goal.parent, goal.name):
            if not self._clear(goal, node, (*waiting, node)):
                return
            if node in self._at:
                self.structure.append(Action(MOVE[self._side], node, goal.parent, goal.name))
            elif node.kind is Kind.FOLDER:
                self.structure.append(Action(MAKE[self._side], node, goal.parent, goal.name))
            else:
                self.transfers.append(Action(TRANSFER[self._side], node, goal.parent, goal.name))
            self._put(node, goal.parent, goal.name)
        self._placed.add(node)

    def _clear(self, goal: Location, node: Node, waiting: tuple[Node, ...]) -> bool:
        """Free a location; False if it is occupied by a skipped node."""
        there = self._in[goal.parent].get(self._key(goal.name))
        if there is None or there is node:
            return True
        if there.skip_reason:
            return False
        if _is_deleted(there) and all(_is_deleted(each) for each in self._all_below(there)):
            self._remove(there, self.structure)
            return True
        if there.goal and there not in waiting and len(waiting) < LONGEST_CHAIN:
            parent = there.goal.parent
            if (parent in self._placed or parent.is_root) and there not in self._all_above(parent):
                self._place(there, waiting)
                if self._in[goal.parent].get(self._key(goal.name)) is not there:
                    return True
        self._step_aside(there)
        return True

    def _step_aside(self, node: Node) -> None:
        parent, _ = self._at[node]
        while True:
            self._passing += 1
            name = self._rules.temporary(self._passing)
            if name not in self._in[parent]:
                break
        self.structure.append(Action(MOVE[self._side], node, parent, name))
        self._put(node, parent, name)

    def _remove(self, node: Node, steps: list[Action]) -> None:
        """Delete nodes: a whole folder at once on the server, leaves first on the disk."""
        gone = [node, *self._all_below(node)]
        if self._side == "remote":
            steps.append(Action(DELETE[self._side], node, deleted_nodes=frozenset(gone)))
        else:
            steps += [Action(DELETE[self._side], each) for each in reversed(gone)]
        for each in gone:
            self._take_away(each)

    def _all_below(self, node: Node) -> list[Node]:
        """Descendants; parents come first."""
        found = [node]
        for each in found:
            found += self._in[each].values() if each in self._in else ()
        return found[1:]

    def _all_above(self, node: Node) -> list[Node]:
        found = []
        while node in self._at:
            found.append(node)
            node = self._at[node][0]
        return found

    def _is_below_deleted(self, node: Node) -> bool:
        return _is_deleted(self._at[node][0])


def _is_deleted(node: Node) -> bool:
    return not node.is_root and node.goal is None and not node.skip_reason


def _depth(node: Node) -> int:
    depth = 0
    while node.goal:
        node = node.goal.parent
        depth += 1
    return depth

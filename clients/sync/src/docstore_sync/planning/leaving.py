"""Nodes that are no longer synced: their path is ignored, or outside of the selected folders. Standard library only.

They stay on the server. Their records are deleted: a file that is missing here must not look deleted when its path is
synced again. Local copies that are still where they were synced, unchanged, are deleted; others are kept.
"""

from collections import defaultdict
from collections.abc import Iterable

from docstore_sync.model import IGNORED, OUTSIDE, Action, ActionType, Kind, Node


def leave(nodes: Iterable[Node]) -> tuple[list[Action], list[Action]]:
    """Return the deletions of local copies, what is inside a folder first, and the deletions of other records."""
    nodes = list(nodes)
    left = [node for node in nodes if node.skip_reason in (IGNORED, OUTSIDE)]
    inside: defaultdict[Node, list[Node]] = defaultdict(list)
    for node in nodes if left else ():
        if node.local:
            inside[node.local.parent].append(node)
    gone: set[Node] = set()
    removed: list[Action] = []
    for node in sorted((node for node in left if _is_unchanged(node)), key=_depth, reverse=True):
        if gone.issuperset(inside[node]):
            gone.add(node)
            removed.append(Action(ActionType.DELETE_LOCAL, node))
    forgotten = [Action(ActionType.FORGET, node) for node in left if node.synced_id and node not in gone]
    return removed, forgotten


def _is_unchanged(node: Node) -> bool:
    """Whether the local copy is the one that was synced, and the server still has the node."""
    local, synced = node.local, node.synced
    if local is None or synced is None or node.remote is None or local.trouble:
        return False
    is_same = node.kind is Kind.FOLDER or (local.sha256 != "" and local.sha256 == synced.sha256)
    return is_same and local.is_at(synced.parent, synced.name)


def _depth(node: Node) -> int:
    return sum(1 for _ in node.chain("local"))

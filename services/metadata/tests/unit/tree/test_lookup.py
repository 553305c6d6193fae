"""Places of nodes that were read at different moments."""

from datetime import UTC, datetime

from docstore_metadata.tree.places import place_among
from docstore_metadata.tree.rules import Node

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def folder(node_id: str, parent_id: str | None) -> Node:
    return Node(
        id=node_id, owner_id="r", parent_id=parent_id, name=node_id, kind="folder",
        created_at=NOW, modified_at=NOW, modified_by="r",
    )  # fmt: skip


def test_a_circle_of_inconsistent_reads_is_unreachable() -> None:
    """One folder was read before a move, the other after another: the look-up ends."""
    nodes = {"r": folder("r", None), "a": folder("a", "b"), "b": folder("b", "a")}
    place = place_among(nodes["a"], nodes, complete=True)
    assert place is not None
    assert not place.is_reachable
    deep = nodes | {"c": folder("c", "r"), "d": folder("d", "c")}
    below = place_among(deep["d"], deep)
    assert below is not None
    assert (below.ancestor_ids, below.is_reachable) == (("r", "c"), True)

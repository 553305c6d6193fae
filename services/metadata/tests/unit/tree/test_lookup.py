"""Places among nodes that were read one after the other."""

from datetime import UTC, datetime

from docstore_metadata.tree.rules import Node, place_among

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def folder(node_id: str, parent_id: str | None) -> Node:
    return Node(
        id=node_id, owner_id="r", parent_id=parent_id, name=node_id, kind="folder",
        created_at=NOW, modified_at=NOW, modified_by="r",
    )  # fmt: skip


def test_folders_that_moved_into_each_other_while_they_were_read_are_nowhere() -> None:
    """One as it was before, the other as after: a circle that never was; it ends, and can't be reached."""
    nodes = {"r": folder("r", None), "a": folder("a", "b"), "b": folder("b", "a")}
    place = place_among(nodes["a"], nodes, complete=True)
    assert place is not None
    assert not place.is_reachable
    deep = nodes | {"c": folder("c", "r"), "d": folder("d", "c")}
    below = place_among(deep["d"], deep)
    assert below is not None
    assert (below.ancestor_ids, below.is_reachable) == (("r", "c"), True)

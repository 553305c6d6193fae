"""What does not fit together in the tree."""

from collections.abc import Sequence

from docstore_contracts.inconsistency import Inconsistency
from docstore_metadata.sharing.rules import Share, readers_by
from docstore_metadata.tree.rules import Node, Version


def node_inconsistencies(
    node: Node, parent: Node | None, current: Version | None, shares: Sequence[Share]
) -> list[Inconsistency]:
    """A node against the folder it is in, the version that it shows, and its shares."""

    def found(kind: str, detail: str, *, repairable: bool = False) -> Inconsistency:
        return Inconsistency(kind, node.id, node.owner_id, detail, repairable)

    problems: list[Inconsistency] = []
    # What is in the trash by itself stays there after its folder was deleted.
    if node.live if parent is None else not parent.is_folder:
        problems.append(found("parent_missing", f"{node.parent_id} is no folder"))
    if not node.is_folder:
        if current is None:
            problems.append(found("version_missing", f"version {node.version} does not exist"))
        elif (node.object_key, node.size, node.sha256) != (current.object_key, current.size, current.sha256):
            problems.append(found("version_differs", f"version {node.version} has another content than the file"))
    if dict(node.shared_with) != dict(readers_by(shares)):
        problems.append(
            found("shares_not_applied", "who may read it differs from its accepted shares", repairable=True)
        )
    return problems


def version_name(version: Version) -> str:
    """A version as people name it."""
    return f"{version.node_id}/{version.number}"


def object_inconsistency(version: Version, stored_bytes: int | None, *, whole: bool) -> Inconsistency | None:
    """A version against the object with its content, or with its block list or pack, of which only the size differs."""
    found = None
    if stored_bytes is None:
        found = "object_missing", f"{version.object_key} is not in the object store"
    elif whole and stored_bytes != version.size:
        found = "size_differs", f"{version.object_key} has {stored_bytes} bytes in place of {version.size}"
    return Inconsistency(found[0], version_name(version), version.owner_id, found[1]) if found else None

"""Adds new versions to files and prunes old ones."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from docstore_metadata.changes.pruning import first_replaced_at, is_full, remaining, versions_to_prune
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.changes.tree_changes import TreeChanges
from docstore_metadata.storage import Store
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.retention_policy import Bounds
from docstore_metadata.tree.rules import Node, Version
from docstore_platform.mongodb.session import Session

VERSION_ATTRIBUTES = (
    "version",
    "size",
    "sha256",
    "content_type",
    "object_key",
    "client_modified_at",
    "photo_at",
    "modified_at",
    "modified_by",
    "inserted_by",
    "device",
    "kept_versions",
    "replaced_from",
    "cold_from",
    "cold_version",
    "revision",
    "tags",
    "metadata",
)
"""Attributes of a file that a new version changes."""


def new_version(node: Node, *, upload_id: str | None, restored_from: int | None = None) -> Version:
    """The version with a file's current state."""
    return Version(
        node_id=node.id,
        owner_id=node.owner_id,
        number=node.version,
        object_key=node.object_key,
        size=node.size,
        sha256=node.sha256,
        content_type=node.content_type,
        client_modified_at=node.client_modified_at,
        metadata=node.metadata or None,
        created_at=node.modified_at,
        created_by=node.modified_by,
        device=node.device,
        upload_id=upload_id,
        restored_from=restored_from,
    )


async def full_histories(
    places: Iterable[Place], bounds: Bounds, now: datetime, store: Store, session: Session
) -> Mapping[str, Sequence[Version]]:
    """The versions of those files that must be pruned when they get another one; of the others none is read."""
    full = [
        place.node
        for place in places
        if is_full(place.node.kept_versions, bounds.versions_kept(place.ancestors[0].retention, now))
    ]
    return await store.versions.of(full, session) if full else {}


def add_version(
    place: Place,
    version: Version,
    histories: Mapping[str, Sequence[Version]],
    bounds: Bounds,
    changes: TreeChanges,
    recorder: FileEventRecorder,
) -> None:
    """Add a new current version, and prune those beyond the limit of the owner's policy.

    `histories`: the previous versions of files that have reached that limit.
    """
    node, root = place.node, place.ancestors[0]
    version.came_at = max(changes.now, version.created_at)
    versions = [*histories.get(node.id, ()), version]
    pruned = versions_to_prune(versions, bounds.versions_kept(root.retention, changes.now), changes.now)
    for old in pruned:
        recorder.pruned(place, old)
    node.kept_versions += 1 - len(pruned)
    if pruned:
        node.replaced_from = first_replaced_at(remaining(versions, pruned))
    elif node.replaced_from is None:
        node.replaced_from = version.came_at
    if node.cold_from is None:
        node.cold_from, node.cold_version = version.came_at, version.number - 1
    if root.versions_from is None and node.replaced_from is not None:
        root.versions_from = node.replaced_from
        changes.saved.append((root, ("versions_from",)))
    assert node.parent_id is not None
    changes.new_versions.append(version)
    changes.pruned.extend(pruned)
    changes.touched_folders.add(node.parent_id)
    changes.saved.append((node, VERSION_ATTRIBUTES))

"""Changes of one transaction in the tree: collected first, then written together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.storage import Store
from docstore_metadata.tree.paths import Parts
from docstore_metadata.tree.places import Found, Place, existing_place
from docstore_metadata.tree.rules import Node, Version
from docstore_platform.ids import new_id
from docstore_platform.mongodb.session import Session


@dataclass(slots=True)
class TreeChanges:
    """Collects the writes of one transaction; `write` carries them out."""

    now: datetime
    actor_id: str
    device: str
    new_nodes: list[Node] = field(default_factory=list)
    saved: list[tuple[Node, Sequence[str]]] = field(default_factory=list)
    """Existing nodes, each with its changed attributes."""
    new_versions: list[Version] = field(default_factory=list)
    pruned: list[Version] = field(default_factory=list)
    touched_folders: set[str] = field(default_factory=set)

    def make_folder(self, owner_id: str, parts: Parts, found: Found, recorder: FileEventRecorder) -> Place:
        """The folder at `parts`; it and its missing parents are created and added to `found`."""
        for depth in range(1, len(parts) + 1):
            here = parts[:depth]
            if here not in found:
                node = Node(
                    id=new_id(),
                    owner_id=owner_id,
                    parent_id=found[here[:-1]].id,
                    name=here[-1],
                    kind="folder",
                    created_at=self.now,
                    modified_at=self.now,
                    modified_by=self.actor_id,
                    device=self.device,
                )
                self.add(node)
                found[here] = node
                recorder.created(existing_place(found, here))
        return existing_place(found, parts)

    def add(self, node: Node) -> None:
        """Add a new node, which changes its parent folder."""
        assert node.parent_id is not None
        self.new_nodes.append(node)
        self.touched_folders.add(node.parent_id)

    def include(self, other: "TreeChanges") -> None:
        """Write the changes of another account with these."""
        self.new_nodes += other.new_nodes
        self.saved += other.saved
        self.new_versions += other.new_versions
        self.pruned += other.pruned
        self.touched_folders |= other.touched_folders

    async def write(self, store: Store, session: Session) -> None:
        """Write folders first: a conflict with another transaction shows before anything else is done."""
        await store.nodes.bump(self.touched_folders, session)
        await store.nodes.insert(self.new_nodes, session)
        await store.nodes.save(self.saved, session)
        await store.versions.insert(self.new_versions, session)
        await store.versions.remove(self.pruned, self.now, session)

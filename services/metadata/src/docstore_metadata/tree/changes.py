"""What one transaction changes in the tree: collected first, then written together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from docstore_metadata.journal.recorder import FileEventRecorder
from docstore_metadata.storage import Store
from docstore_metadata.tree.paths import Parts
from docstore_metadata.tree.rules import Found, Node, Place, place_at
from docstore_metadata.versions.rules import Version
from docstore_platform.database import Session
from docstore_platform.ids import new_id


@dataclass(slots=True)
class TreeChanges:
    """What one transaction will write to the tree; `write` writes it."""

    now: datetime
    actor_id: str
    device: str
    new_nodes: list[Node] = field(default_factory=list)
    saved: list[tuple[Node, Sequence[str]]] = field(default_factory=list)
    """Nodes that exist, each with the attributes that are other than before."""
    new_versions: list[Version] = field(default_factory=list)
    pruned: list[Version] = field(default_factory=list)
    touched_folders: set[str] = field(default_factory=set)

    def make_folder(self, owner_id: str, parts: Parts, found: Found, recorder: FileEventRecorder) -> Place:
        """The folder at `parts`, made with those above it if need be and noted in `found`."""
        for depth in range(1, len(parts) + 1):
            here = parts[:depth]
            if here not in found:
                node = self._folder(owner_id, found[here[:-1]].id, here[-1])
                self.add(node)
                found[here] = node
                place = place_at(found, here)
                assert place is not None
                recorder.created(place)
        place = place_at(found, parts)
        assert place is not None
        return place

    def _folder(self, owner_id: str, parent_id: str, name: str) -> Node:
        return Node(
            id=new_id(),
            owner_id=owner_id,
            parent_id=parent_id,
            name=name,
            kind="folder",
            created_at=self.now,
            modified_at=self.now,
            modified_by=self.actor_id,
            device=self.device,
        )

    def add(self, node: Node) -> None:
        """A new node: a change to the folder it is in."""
        assert node.parent_id is not None
        self.new_nodes.append(node)
        self.touched_folders.add(node.parent_id)

    async def write(self, store: Store, session: Session) -> None:
        """Folders first: if somebody else is changing one, this is found out before anything else is done."""
        await store.nodes.bump(self.touched_folders, session)
        await store.nodes.insert(self.new_nodes, session)
        await store.nodes.save(self.saved, session)
        await store.versions.insert(self.new_versions, session)
        await store.versions.remove(self.pruned, self.now, session)

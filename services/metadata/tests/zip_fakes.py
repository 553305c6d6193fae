"""A tree with contents in memory, and ZIPs of it."""

import asyncio
import hashlib
from array import array
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from metadata_fakes import NOW, FakeNodes, person

from docstore_contents.reader import ContentDamaged, Contents
from docstore_metadata.cold_storage.rules import ColdPolicy
from docstore_metadata.cold_storage.service import ContentAccess
from docstore_metadata.tree.documents import root_node
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.repository import Nodes
from docstore_metadata.tree.rules import Node
from docstore_metadata.zips.delivery import ZipDelivery, zip_slots
from docstore_metadata.zips.repository import no_checksums
from docstore_metadata.zips.service import ZipService


@dataclass
class FakeZipTree:
    nodes: FakeNodes
    pages: list[int] = field(default_factory=list)
    """Number of nodes that each query returned."""

    async def children(self, folder_ids: Sequence[str], after: tuple[str, str] | None, limit: int) -> list[Node]:
        found = [node for node in self.nodes.by_id.values() if node.live and node.parent_id in folder_ids]
        ordered = sorted(found, key=lambda node: (node.parent_id or "", node.name))
        rest = [node for node in ordered if after is None or (node.parent_id or "", node.name) > after]
        self.pages.append(len(rest[:limit]))
        return rest[:limit]


@dataclass
class FakeProgress:
    saved: "dict[str, array[int]]" = field(default_factory=dict)

    async def find(self, digest: str, entries: int) -> "array[int]":
        return array("q", self.saved.get(digest, no_checksums(entries)))

    async def save(self, digest: str, checksums: "array[int]", now: datetime) -> None:
        self.saved[digest] = array("q", checksums)


@dataclass
class FakeContents:
    """Contents by object key. Counts the bytes that were read; those in `damaged` can't be read."""

    by_key: dict[str, bytes] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    bytes_read: int = 0
    reading: int = 0
    most_reading: int = 0
    piece: int = 1 << 20

    async def read(self, object_key: str, size: int, sha256: str | None = None) -> bytes:
        return b"".join([part async for part in self.stream(object_key, size)])

    async def stream(
        self, object_key: str, size: int, start: int = 0, end: int | None = None, *, sha256: str | None = None
    ) -> AsyncGenerator[bytes]:
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        try:
            for at in range(start, size if end is None else end, self.piece):
                if object_key in self.damaged:
                    raise ContentDamaged(object_key)
                await asyncio.sleep(0)
                part = self.by_key[object_key][at : min(at + self.piece, size if end is None else end)]
                self.bytes_read += len(part)
                yield part
        finally:
            self.reading -= 1


@dataclass
class FakeAccess:
    archived: set[str] = field(default_factory=set)
    policy: ColdPolicy = field(default_factory=lambda: ColdPolicy("GLACIER", "Standard", timedelta(days=180)))

    async def archived_among(self, keys: Sequence[str]) -> set[str]:
        return {key for key in keys if key in self.archived}


class ZipDesk:
    """An account with files."""

    def __init__(self) -> None:
        self.caller = person("ann")
        self.nodes, self.contents, self.progress = FakeNodes(), FakeContents(), FakeProgress()
        self.zip_tree, self.access = FakeZipTree(self.nodes), FakeAccess()
        tree = Tree(cast("Nodes", self.nodes))
        self.zips = ZipService(tree, self.zip_tree, cast("ContentAccess", self.access))
        self.slots = zip_slots()
        self.delivery = ZipDelivery(cast("Contents", self.contents), self.progress, lambda: NOW, self.slots)
        self.nodes.by_id["ann"] = root_node("ann", NOW)

    def folder(self, name: str, parent: Node | None = None, **attributes: object) -> Node:
        return self._add(name, "folder", parent, **attributes)

    def file(self, name: str, content: bytes, parent: Node | None = None, **attributes: object) -> Node:
        key = f"key {len(self.nodes.by_id)}"
        self.contents.by_key[key] = content
        digest = hashlib.sha256(content).hexdigest()
        return self._add(
            name, "file", parent, object_key=key, size=len(content), sha256=digest, version=1, **attributes
        )

    def _add(self, name: str, kind: str, parent: Node | None, **attributes: object) -> Node:
        node_id = f"{len(self.nodes.by_id):032x}"
        base = {"created_at": NOW, "modified_at": NOW, "modified_by": "ann", "owner_id": "ann"}
        parent_id = parent.id if parent else "ann"
        node = Node(id=node_id, name=name, kind=kind, parent_id=parent_id, **(base | attributes))  # type: ignore[arg-type]
        self.nodes.by_id[node_id] = node
        return node

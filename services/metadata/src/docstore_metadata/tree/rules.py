"""Files, folders and versions. Standard library only."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from docstore_metadata.errors import InvalidTags
from docstore_metadata.tree.paths import Parts, join_path
from docstore_metadata.tree.retention_policy import Choice

Kind = Literal["file", "folder"]
Permission = Literal["owner", "editor", "viewer"]
ShareRole = Literal["editor", "viewer"]
SharedWith = Mapping[str, ShareRole]
"""Roles by account."""
NOBODY: SharedWith = MappingProxyType({})
Watermarks = Mapping[str, str]
"""Texts by account."""
NO_WATERMARKS: Watermarks = MappingProxyType({})
CustomMetadata = Mapping[str, str]
"""Values by name."""
NO_METADATA: CustomMetadata = MappingProxyType({})
MAX_TAGS = 50
MAX_TAG_BYTES = 64


@dataclass(slots=True, kw_only=True)
class Node:
    """A file or folder. Sizes in bytes; attributes of files keep their default in a folder."""

    id: str
    owner_id: str
    parent_id: str | None
    """None for the root, whose id is its owner's."""
    name: str
    kind: Kind
    created_at: datetime
    modified_at: datetime
    modified_by: str
    device: str = ""
    inserted_by: str = ""
    """Of a file with another version than the first: who inserted it, if not its owner."""
    tags: tuple[str, ...] = ()
    metadata: CustomMetadata = field(default_factory=lambda: NO_METADATA)
    revision: int = 1
    live: bool = True
    """False once it was put into the trash itself. The contents of a folder in the trash stay live, but unreachable."""
    children_revision: int = 0
    """Counts the changes of a folder's children."""
    size: int = 0
    content_type: str = ""
    sha256: str = ""
    version: int = 0
    object_key: str = ""
    client_modified_at: datetime | None = None
    """When the current version's content was last changed, as reported by the client that sent it."""
    kept_versions: int = 0
    indexed_version: int = 0
    preview_version: int = 0
    hidden: bool = False
    """Its deletion was published, together with that of a folder above it."""
    trashed_at: datetime | None = None
    trashed_path: str = ""
    shared_with: SharedWith = field(default_factory=lambda: NOBODY)
    """Whom it is shared with itself; the contents of a shared folder inherit the folder's shares."""
    watermarks: Watermarks = field(default_factory=lambda: NO_WATERMARKS)
    """Viewers among them who only see pictures of it, with this text all over them."""
    published_readers: tuple[str, ...] = ()
    """Accounts besides the owner that may read it, as last published."""
    replaced_from: datetime | None = None
    """Of a file with old versions: when the first of them was replaced, or earlier."""
    cold_from: datetime | None = None
    """Of a file: when the first old version was replaced that storage tiering has not yet checked."""
    suspended: bool = False
    """Of a root: its owner is suspended."""
    retention: Choice | None = None
    """Of a root: the retention policy that its owner chose."""
    trash_from: datetime | None = None
    """Of a root: the retention of its owner's trash starts at this moment or later; None: the trash is empty."""
    versions_from: datetime | None = None
    """Of a root: no old version of its owner's files was replaced earlier; None: there are none."""

    @property
    def is_folder(self) -> bool:
        return self.kind == "folder"

    @property
    def is_root(self) -> bool:
        return self.parent_id is None

    @property
    def indexed(self) -> bool:
        return self.version > 0 and self.indexed_version == self.version

    @property
    def preview(self) -> bool:
        return self.version > 0 and self.preview_version == self.version

    @property
    def etag(self) -> str:
        return f'"{self.revision}"'

    @property
    def inserter(self) -> str:
        """Account that inserted it. The first version of a file, and a folder, keep their author."""
        return self.inserted_by or (self.modified_by if self.version <= 1 else self.owner_id)

    def begin_version(self, account_id: str, at: datetime, device: str) -> None:
        """Count a new version of a file's content, and record its author."""
        if self.inserter != self.owner_id:
            self.inserted_by = self.inserter
        self.version += 1
        self.modified_at, self.modified_by, self.device = at, account_id, device


@dataclass(slots=True, kw_only=True)
class Version:
    """One version in the history of a file."""

    node_id: str
    owner_id: str
    number: int
    object_key: str
    size: int
    sha256: str
    content_type: str
    created_at: datetime
    created_by: str
    device: str = ""
    upload_id: str | None = None
    restored_from: int | None = None
    client_modified_at: datetime | None = None
    metadata: CustomMetadata | None = None
    """As of the file while this version is the current one; None: it had none."""
    came_at: datetime | None = None
    """When it replaced the previous version, by the later of the service's and the database's clock."""

    @property
    def committed_at(self) -> datetime:
        """When the previous version became an old one."""
        return self.came_at or self.created_at


@dataclass(slots=True)
class Place:
    """A node and the folders it is in, from the root down to its parent."""

    node: Node
    ancestors: tuple[Node, ...]

    @property
    def parts(self) -> Parts:
        if self.node.is_root:
            return ()
        return (*(folder.name for folder in self.ancestors[1:]), self.node.name)

    @property
    def path(self) -> str:
        return join_path(self.parts)

    @property
    def ancestor_ids(self) -> tuple[str, ...]:
        return tuple(folder.id for folder in self.ancestors)

    @property
    def is_reachable(self) -> bool:
        """Neither it nor a folder above it is in the trash or deleted."""
        top = self.ancestors[0] if self.ancestors else self.node
        return self.node.live and top.is_root and all(folder.live for folder in self.ancestors)

    @property
    def is_public_by_link(self) -> bool:
        """Whether a link to it works. Links of a suspended account do not; its shares with people still do."""
        return self.is_reachable and not (self.ancestors[0] if self.ancestors else self.node).suspended

    @property
    def readers(self) -> tuple[str, ...]:
        """Accounts besides the owner that may read it, in order."""
        accounts = {account for node in (*self.ancestors, self.node) for account in node.shared_with}
        return tuple(sorted(accounts))

    def permission_of(self, account_id: str) -> Permission | None:
        """The account's permission: the highest role that it, or a folder above it, is shared with."""
        if self.node.owner_id == account_id:
            return "owner"
        roles = {node.shared_with.get(account_id) for node in (*self.ancestors, self.node)}
        return "editor" if "editor" in roles else "viewer" if "viewer" in roles else None

    def watermark_for(self, account_id: str) -> str | None:
        """The text on all that the account sees of the content, by the nearest share; None: it may have the original.

        Each share is a right of its own: one without watermark, at any level, gives the original.
        """
        if self.node.owner_id == account_id:
            return None
        texts = [node.watermarks.get(account_id) for node in self._shared_with(account_id)]
        return texts[-1] if texts and None not in texts else None

    def _shared_with(self, account_id: str) -> list[Node]:
        """What was itself shared with the account, from the top down to the node."""
        return [node for node in (*self.ancestors, self.node) if account_id in node.shared_with]

    def as_seen_by(self, account_id: str) -> "View":
        """Its view for an account that may read it."""
        permission = self.permission_of(account_id)
        assert permission is not None
        can_delete = self.may_be_deleted_by(account_id)
        if permission == "owner":
            return View(self.node, self.path, self.node.parent_id, permission, can_delete, None)
        chain = (*self.ancestors, self.node)
        top = next(depth for depth, node in enumerate(chain) if account_id in node.shared_with)
        parent_id = None if chain[top] is self.node else self.node.parent_id
        path = join_path(tuple(node.name for node in chain[top:]))
        return View(self.node, path, parent_id, permission, can_delete, self.watermark_for(account_id))

    def may_be_written_beside_by(self, account_id: str) -> bool:
        """Whether an account that may write to it may also create something in its parent folder."""
        edits_above = any(folder.shared_with.get(account_id) == "editor" for folder in self.ancestors)
        return edits_above or self.node.owner_id == account_id

    def may_be_deleted_by(self, account_id: str) -> bool:
        """Whether an account may delete it: its owner, and an editor of the folder it is in who inserted it.

        A folder may also contain what others inserted: that is checked when it is deleted.
        """
        if self.node.owner_id == account_id:
            return not self.node.is_root
        return self.node.inserter == account_id and self.may_be_written_beside_by(account_id)

    def child(self, node: Node) -> "Place":
        return Place(node, (*self.ancestors, self.node))


@dataclass(frozen=True, slots=True)
class View:
    """A node as one account sees it: a reader's paths begin at what was shared with them."""

    node: Node
    path: str
    parent_id: str | None
    """None for the root, and for what was itself shared with the reader."""
    permission: Permission
    can_delete: bool
    watermark: str | None
    """Text on all that the account sees of its content; None: it may have the original."""

    def child(self, node: Node, account_id: str) -> "View":
        """What is in this folder, as the same account sees it."""
        more = self.permission == "viewer" and node.shared_with.get(account_id) == "editor"
        path = f"{self.path.removesuffix('/')}/{node.name}"
        inserted = self.permission == "editor" and node.inserter == account_id
        can_delete = self.permission == "owner" or inserted
        watermark = self.watermark
        if watermark is not None and account_id in node.shared_with:
            watermark = node.watermarks.get(account_id)
        return View(node, path, self.node.id, "editor" if more else self.permission, can_delete, watermark)


def check_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Normalize tags: NFC, stripped, without duplicates, in the given order. InvalidTags if one is not allowed."""
    try:
        clean = dict.fromkeys(unicodedata.normalize("NFC", tag.strip()) for tag in tags)
        fits = all(1 <= len(tag.encode()) <= MAX_TAG_BYTES and tag.isprintable() for tag in clean)
    except UnicodeEncodeError:
        fits = False
    if not fits:
        raise InvalidTags(f"A tag has 1 to {MAX_TAG_BYTES} bytes of printable text.")
    if len(clean) > MAX_TAGS:
        raise InvalidTags(f"There are at most {MAX_TAGS} tags.")
    return tuple(clean)


Found = dict[Parts, Node]
"""Nodes by their path from one account's root, the root itself at ()."""


def place_among(node: Node, nodes: Mapping[str, Node], *, complete: bool = False) -> Place | None:
    """The place of `node`, with its ancestors from `nodes`. None if one is missing, unless `nodes` is `complete`."""
    ancestors: list[Node] = []
    parent_id = node.parent_id
    while parent_id is not None and len(ancestors) <= len(nodes):  # nodes read while folders moved may form a circle
        parent = nodes.get(parent_id)
        if parent is None:
            if not complete:
                return None
            break
        ancestors.append(parent)
        parent_id = parent.parent_id
    return Place(node, tuple(reversed(ancestors)))


def place_at(found: Found, parts: Parts) -> Place | None:
    """The place at `parts`, if the walk found it."""
    return existing_place(found, parts) if parts in found else None


def existing_place(found: Found, parts: Parts) -> Place:
    return Place(found[parts], tuple(found[parts[:depth]] for depth in range(len(parts))))

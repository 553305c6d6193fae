"""Where a file or folder is, who may read it there, and how it looks to a reader. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass

from docstore_metadata.tree.paths import Parts, join_path
from docstore_metadata.tree.rules import Node, Permission


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

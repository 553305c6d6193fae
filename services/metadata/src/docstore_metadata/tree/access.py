"""Decides who may do what with files and folders. Standard library only."""

from enum import Enum, auto

from docstore_metadata.errors import NotFound, OwnerOnly, PreconditionFailed, ReadOnly
from docstore_metadata.tree.rules import Node, Permission, Place


class Action(Enum):
    READ = auto()
    WRITE = auto()
    """Change its content or tags, or the contents of a folder."""
    MOVE = auto()
    """Rename it or move it to another folder: a change to its parent folder."""
    DELETE = auto()
    SHARE = auto()
    """Give others access, by share or by link."""
    RESTORE = auto()
    PURGE = auto()


IN_TRASH = frozenset({Action.RESTORE, Action.PURGE})
EDITORS = frozenset({Action.READ, Action.WRITE, Action.MOVE})


def authorize(account_id: str, place: Place | None, action: Action) -> Place:
    """`place`, if the account may do this with it. Every route calls this.

    Raises NotFound for missing nodes and for accounts without access, ReadOnly for viewers, OwnerOnly for editors.
    """
    permission = place.permission_of(account_id) if place is not None else None
    if place is None or permission is None or not _is_there(place, permission, action):
        raise NotFound
    if permission == "viewer" and action is not Action.READ:
        raise ReadOnly("You may read this, not change it.")
    if permission == "editor" and (
        action not in EDITORS or (action is Action.MOVE and not may_write_beside(account_id, place))
    ):
        raise OwnerOnly("Only the owner may do this.")
    return place


def _is_there(place: Place, permission: Permission, action: Action) -> bool:
    """Only the owner sees what is in the trash."""
    if action in IN_TRASH:
        return permission == "owner" and place.node.trashed_at is not None
    return place.is_reachable


def may_write_beside(account_id: str, place: Place) -> bool:
    """Whether an account that may write to a node may also create one in its parent folder."""
    edits_above = any(folder.shared_with.get(account_id) == "editor" for folder in place.ancestors)
    return edits_above or place.node.owner_id == account_id


def check_precondition(node: Node, if_match: str | None) -> None:
    """PreconditionFailed unless `if_match` (RFC 9110, 13.1.1) is absent, `*` or names the node's current state."""
    if if_match is None or if_match.strip() == "*":
        return
    etags = {etag.strip().removeprefix("W/").strip('"') for etag in if_match.split(",")}
    if node.etag.strip('"') not in etags:
        raise PreconditionFailed("It has changed since you last saw it.", etag=node.etag)

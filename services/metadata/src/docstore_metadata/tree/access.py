"""Who may do what with files and folders: the one place where this is decided. Standard library only."""

from enum import Enum, auto

from docstore_metadata.errors import NotFound, OwnerOnly, ReadOnly
from docstore_metadata.tree.rules import Permission, Place


class Action(Enum):
    READ = auto()
    WRITE = auto()
    """Give it new content or tags, or change what is in it."""
    MOVE = auto()
    """Give it another name or another folder: a change to the folder it is in."""
    DELETE = auto()
    SHARE = auto()
    """Give others access, by share or by link."""
    RESTORE = auto()
    PURGE = auto()


IN_TRASH = frozenset({Action.RESTORE, Action.PURGE})
EDITORS = frozenset({Action.READ, Action.WRITE, Action.MOVE})


def authorize(account_id: str, place: Place | None, action: Action) -> Place:
    """`place`, if the account may do this with it. Every route asks here; a stranger learns nothing.

    NotFound for strangers and for what is not there, ReadOnly for viewers, OwnerOnly for editors.
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
    """The trash is its owner's alone."""
    if action in IN_TRASH:
        return permission == "owner" and place.node.trashed_at is not None
    return place.is_reachable


def may_write_beside(account_id: str, place: Place) -> bool:
    """Whether who may write to it may also make something in the folder that it is in."""
    edits_above = any(folder.shared_with.get(account_id) == "editor" for folder in place.ancestors)
    return edits_above or place.node.owner_id == account_id

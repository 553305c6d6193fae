"""Decides who may do what with files and folders. Standard library only."""

from enum import Enum, auto

from docstore_metadata.errors import NotFound, OwnerOnly, PreconditionFailed, ReadOnly, WatermarkedOnly
from docstore_metadata.tree.rules import Node, Permission, Place


class Action(Enum):
    READ = auto()
    """See that it is there, and pictures of it, with a watermark where the shares have one."""
    DOWNLOAD = auto()
    """Have its content as it is, by whatever way."""
    WRITE = auto()
    """Change its content or tags, or the contents of a folder."""
    MOVE = auto()
    """Rename it or move it to another folder: a change to its parent folder."""
    DELETE = auto()
    """Put it into the trash."""
    SHARE = auto()
    """Give others access, by share or by link."""
    RESTORE = auto()
    PURGE = auto()


IN_TRASH = frozenset({Action.RESTORE, Action.PURGE})
VIEWERS = frozenset({Action.READ, Action.DOWNLOAD})
EDITORS = VIEWERS | frozenset({Action.WRITE, Action.MOVE, Action.DELETE})


def authorize(account_id: str, place: Place | None, action: Action) -> Place:
    """`place`, if the account may do this with it. Every route calls this.

    Raises NotFound for missing nodes and for accounts without access, ReadOnly for viewers, OwnerOnly for editors,
    WatermarkedOnly for viewers who only see pictures.
    """
    permission = place.permission_of(account_id) if place is not None else None
    if place is None or permission is None or not _is_there(place, permission, action):
        raise NotFound
    if permission == "viewer" and action not in VIEWERS:
        raise ReadOnly("You may read this, not change it.")
    if action is Action.DOWNLOAD and place.watermark_for(account_id) is not None:
        raise WatermarkedOnly
    if permission == "editor":
        _check_editor(account_id, place, action)
    return place


def _check_editor(account_id: str, place: Place, action: Action) -> None:
    if action is Action.DELETE and not place.may_be_deleted_by(account_id):
        raise OwnerOnly("You can delete only what you added to the shared folder. Its owner can delete everything.")
    if action not in EDITORS or (action is Action.MOVE and not place.may_be_written_beside_by(account_id)):
        raise OwnerOnly("Only the owner may do this.")


def _is_there(place: Place, permission: Permission, action: Action) -> bool:
    """Only the owner sees what is in the trash."""
    if action in IN_TRASH:
        return permission == "owner" and place.node.trashed_at is not None
    return place.is_reachable


def check_precondition(node: Node, if_match: str | None) -> None:
    """PreconditionFailed unless `if_match` (RFC 9110, 13.1.1) is absent, `*` or names the node's current state."""
    if if_match is None or if_match.strip() == "*":
        return
    etags = {etag.strip().removeprefix("W/").strip('"') for etag in if_match.split(",")}
    if node.etag.strip('"') not in etags:
        raise PreconditionFailed("It has changed since you last saw it.", etag=node.etag)

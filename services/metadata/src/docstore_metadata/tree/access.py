"""Decides who may do what with files and folders. Standard library only."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from docstore_metadata.errors import LimitedToFolder, NotFound, OwnerOnly, PreconditionFailed, ReadOnly, WatermarkedOnly
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Node, Permission


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
CHANGES_PARENT = IN_TRASH | {Action.MOVE, Action.DELETE}
VIEWERS = frozenset({Action.READ, Action.DOWNLOAD})
EDITORS = VIEWERS | frozenset({Action.WRITE, Action.MOVE, Action.DELETE})


class Reader(Protocol):
    """Who asks: an account, or a program with an API token of it that is limited to a folder."""

    @property
    def account_id(self) -> str: ...

    @property
    def folder_id(self) -> str:
        """Folder outside which nothing exists for the reader; empty: there is no limit."""


@dataclass(frozen=True, slots=True)
class AccountReader:
    """A reader on whose behalf another service asks."""

    account_id: str
    folder_id: str = ""


def is_within(place: Place, reader: Reader) -> bool:
    """Whether a place is in the folder that the reader is limited to, or is that folder."""
    return not reader.folder_id or reader.folder_id in (place.node.id, *place.ancestor_ids)


def authorize(reader: Reader, place: Place | None, action: Action) -> Place:
    """`place`, if the reader may do this with it. Every route calls this.

    Raises NotFound for missing nodes, for accounts without access, and outside the folder that a reader is limited to;
    ReadOnly for viewers, OwnerOnly for editors, WatermarkedOnly for viewers who only see pictures, LimitedToFolder for
    a change of the folder itself that is one to its parent.
    """
    account_id = reader.account_id
    permission = place.permission_of(account_id) if place is not None and is_within(place, reader) else None
    if place is None or permission is None or not _is_there(place, permission, action):
        raise NotFound
    if action in CHANGES_PARENT and place.node.id == reader.folder_id:
        raise LimitedToFolder
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

"""Folders where paths start: the account's own root, or a folder it may read, such as a shared one."""

from dataclasses import dataclass

from docstore_metadata.errors import InvalidPath, NotAFolder
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.paths import MAX_DEPTH, Parts, join_path, prefixes, split_path
from docstore_metadata.tree.rules import Found, Place, place_at
from docstore_platform.database import Session


@dataclass(frozen=True, slots=True)
class PathRoot:
    """The folder that a path starts from, for one account."""

    account_id: str
    owner_id: str
    parts: Parts
    """Its path from its owner's root."""
    seen_path: str
    """Its path as the account sees it."""

    def full(self, below: Parts) -> Parts:
        """A path from the owner's root."""
        if len(self.parts) + len(below) > MAX_DEPTH:
            raise InvalidPath(f"A path has at most {MAX_DEPTH} names.")
        return (*self.parts, *below)

    def seen(self, below: Parts) -> str:
        """The path as the account sees it."""
        return self.seen_path.removesuffix("/") + join_path(below) if below else self.seen_path

    async def place(self, tree: Tree, path: str, session: Session = None) -> Place | None:
        """The place at a path that starts here."""
        return await tree.at(self.owner_id, self.full(split_path(path)), session)


def own_root(account_id: str) -> PathRoot:
    return PathRoot(account_id, account_id, (), "/")


def path_root_at(account_id: str, place: Place | None) -> PathRoot:
    """This folder as a path root, if the account may read it."""
    place = authorize(account_id, place, Action.READ)
    if not place.node.is_folder:
        raise NotAFolder("A path starts from a folder.")
    return PathRoot(account_id, place.node.owner_id, place.parts, place.as_seen_by(account_id).path)


async def find_path_root(tree: Tree, account_id: str, parent_id: str | None, session: Session = None) -> PathRoot:
    """The folder with this id, by default the account's root."""
    if parent_id is None or parent_id == account_id:
        return own_root(account_id)
    return path_root_at(account_id, await tree.place(parent_id, session))


def authorize_path(account_id: str, found: Found, parts: Parts) -> None:
    """Check that the account may create or change what is at `parts`: the nearest existing node on the way decides."""
    there = next(parts[:depth] for depth in range(len(parts), -1, -1) if parts[:depth] in found)
    authorize(account_id, place_at(found, there), Action.WRITE)


def refuse_file_in_way(found: Found, parts: Parts) -> None:
    """NotAFolder if the path runs through a file."""
    for above in prefixes(parts):
        node = found.get(above)
        if node is not None and not node.is_folder:
            raise NotAFolder(f"{above[-1]} is a file.")

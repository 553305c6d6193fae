"""Folders where paths start: the account's own root, or a folder it may read, such as a shared one."""

from dataclasses import dataclass

from docstore_metadata.errors import InvalidPath, NotAFolder
from docstore_metadata.tree.access import Action, Reader, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.paths import MAX_DEPTH, Parts, join_path, prefixes, split_path
from docstore_metadata.tree.places import Found, Place, existing_place
from docstore_platform.mongodb.session import Session


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


def path_root_at(reader: Reader, place: Place | None) -> PathRoot:
    """This folder as a path root, if the account may read it."""
    place = authorize(reader, place, Action.READ)
    if not place.node.is_folder:
        raise NotAFolder("A path starts from a folder.")
    account_id = reader.account_id
    return PathRoot(account_id, place.node.owner_id, place.parts, place.as_seen_by(account_id).path)


async def find_path_root(tree: Tree, reader: Reader, parent_id: str | None, session: Session = None) -> PathRoot:
    """The folder with this id, by default the account's root."""
    if parent_id is None or parent_id == reader.account_id:
        return own_root(reader.account_id)
    return path_root_at(reader, await tree.place(parent_id, session))


def authorize_path(reader: Reader, found: Found, parts: Parts) -> None:
    """Check that the reader may create or change what is at `parts`: the nearest existing node on the way decides."""
    authorize(reader, nearest_place(found, parts), Action.WRITE)


def nearest_place(found: Found, parts: Parts) -> Place:
    """The nearest existing node on the way to `parts`."""
    return existing_place(found, next(parts[:depth] for depth in range(len(parts), -1, -1) if parts[:depth] in found))


def refuse_file_in_way(found: Found, parts: Parts) -> None:
    """NotAFolder if the path runs through a file."""
    for above in prefixes(parts):
        node = found.get(above)
        if node is not None and not node.is_folder:
            raise NotAFolder(f"{above[-1]} is a file.")

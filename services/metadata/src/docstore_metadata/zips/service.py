"""Use cases of ZIPs: what one of some files and folders contains."""

from collections.abc import Sequence
from dataclasses import dataclass

from docstore_contents.zip_format import ZipEntry
from docstore_metadata.cold_storage.service import ContentAccess
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Node
from docstore_metadata.zips.plan import PAGE, PlanBuilder, ZipPlan
from docstore_metadata.zips.repository import ZipTree
from docstore_metadata.zips.rules import FolderNames
from docstore_platform.security.tokens import Principal

FOLDERS_AT_ONCE = 200
WHOLE_TREE = "DocStore"
"""Name of a ZIP of all that an account has, and of a selection."""


@dataclass(slots=True)
class ZipService:
    """Raises ContentArchived if a content must be retrieved first, TooLarge beyond the limits of a ZIP."""

    tree: Tree
    zip_tree: ZipTree
    access: ContentAccess

    async def chosen(self, principal: Principal, node_ids: Sequence[str]) -> list[Place]:
        """What the caller may download by these ids, each once; WatermarkedOnly for what it only sees pictures of.

        What is in a folder needs no check: a share inside of it can only give more.
        """
        wanted = list(dict.fromkeys(node_ids))
        found = await self.tree.places(wanted)
        return [authorize(principal, found.get(node_id), Action.DOWNLOAD) for node_id in wanted]

    async def plan(self, places: Sequence[Place]) -> ZipPlan:
        """Everything in these files and folders, which the caller may download. Each folder is an entry, empty or not.

        The tree is read page by page. A change meanwhile may or may not be included; a later one is not.
        """
        builder, names = PlanBuilder(), FolderNames()
        folders: list[tuple[str, str]] = []
        files: list[tuple[Node, str]] = []
        for node in (place.node for place in places):
            if node.is_root:
                folders.append((node.id, ""))
            elif node.is_folder:
                path = names.take(node.name)
                builder.add_folder(path, _modified(node))
                folders.append((node.id, path + "/"))
            else:
                files.append((node, names.take(node.name)))
        await self._add_files(builder, files)
        while folders:
            some = dict(folders[-FOLDERS_AT_ONCE:])
            del folders[-FOLDERS_AT_ONCE:]
            folders += await self._add_contents(builder, some)
        return builder.finish(tuple(place.node.id for place in places))

    async def _add_contents(self, builder: PlanBuilder, paths: dict[str, str]) -> list[tuple[str, str]]:
        """Add what is in these folders, given with their paths; returns the folders in them."""
        folder_ids, folders = sorted(paths), list[tuple[str, str]]()
        after: tuple[str, str] | None = None
        names, named_in = FolderNames(), ""
        while True:
            children = await self.zip_tree.children(folder_ids, after, PAGE)
            files: list[tuple[Node, str]] = []
            for node in children:
                assert node.parent_id is not None
                if node.parent_id != named_in:
                    names, named_in = FolderNames(), node.parent_id
                path = paths[named_in] + names.take(node.name)
                if node.is_folder:
                    builder.add_folder(path, _modified(node))
                    folders.append((node.id, path + "/"))
                else:
                    files.append((node, path))
            await self._add_files(builder, files)
            if len(children) < PAGE:
                return folders
            after = named_in, children[-1].name

    async def _add_files(self, builder: PlanBuilder, files: Sequence[tuple[Node, str]]) -> None:
        archived = await self.access.archived_among(node.object_key for node, _ in files)
        if archived:
            raise self.access.policy.archived([node.id for node, _ in files if node.object_key in archived])
        for node, path in files:
            builder.add_file(ZipEntry(path, node.size, _modified(node)), node.id, node.object_key, node.sha256)


def name_of(places: Sequence[Place]) -> str:
    """File name of a ZIP of these."""
    node = places[0].node
    return f"{node.name if len(places) == 1 and not node.is_root else WHOLE_TREE}.zip"


def _modified(node: Node) -> int:
    return int((node.client_modified_at or node.modified_at).timestamp())

"""Lends credentials that read the whole objects of a folder, and nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from docstore_contents.packs import pack_of
from docstore_contents.reader import is_whole
from docstore_contents.s3.sts import PolicyTooLarge, TemporaryCredentials
from docstore_metadata.cold_storage.service import ContentAccess
from docstore_metadata.errors import OwnerOnly, TooLarge
from docstore_metadata.read_credentials.rules import MAX_NODES, FolderContents, LeftOut, ReadableObject
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Node
from docstore_metadata.zips.repository import ZipTree
from docstore_platform.errors import Conflict
from docstore_platform.security.tokens import Principal

PAGE = 1000

Lend = Callable[[Sequence[str], str], Awaitable[TemporaryCredentials]]
"""Lends credentials to read the objects of these keys; the second argument names the session. PolicyTooLarge."""


@dataclass(slots=True)
class ReadCredentialsService:
    """Only for what the account owns: what is shared with it may end at any time, and credentials do not."""

    tree: Tree
    nodes: ZipTree
    access: ContentAccess
    lend: Lend

    async def of(self, principal: Principal, node_id: str) -> tuple[TemporaryCredentials, FolderContents]:
        """Credentials for a file, or for all files in a folder, with what they read and what they do not.

        OwnerOnly for what others share; Conflict `no_whole_objects`; TooLarge `too_many_files`.
        """
        place = authorize(principal, (await self.tree.places([node_id])).get(node_id), Action.DOWNLOAD)
        if place.permission_of(principal.account_id) != "owner":
            raise OwnerOnly("Credentials are only for what you own: download what others share with you.")
        found = await self._contents(place.node)
        if not found.objects:
            raise Conflict(
                "None of these files is an object of its own that can be read now: small files are kept in packs, "
                "large ones in blocks. Download them, or use sync.",
                code="no_whole_objects",
            )
        keys = sorted({each.node.object_key for each in found.objects if each.node.object_key})
        try:
            return await self.lend(keys, f"read-{principal.account_id}"), found
        except PolicyTooLarge:
            raise _too_many() from None

    async def _contents(self, top: Node) -> FolderContents:
        files: list[tuple[str, Node]] = []
        folders: dict[str, str] = {}
        if top.is_folder:
            folders[top.id] = ""
        else:
            files.append((top.name, top))
        seen = 0
        while folders:
            paths, folders = folders, {}
            after: tuple[str, str] | None = None
            while children := await self.nodes.children(sorted(paths), after, PAGE):
                seen += len(children)
                if seen > MAX_NODES:
                    raise _too_many()
                for node in children:
                    path = paths[node.parent_id or ""] + node.name
                    if node.is_folder:
                        folders[node.id] = f"{path}/"
                    else:
                        files.append((path, node))
                after = (children[-1].parent_id or "", children[-1].name)
        return await self._sorted_out(files)

    async def _sorted_out(self, files: Sequence[tuple[str, Node]]) -> FolderContents:
        archived = await self.access.archived_among(node.object_key for _, node in files)
        found = FolderContents()
        for path, node in files:
            key = node.object_key
            if key in archived:
                found.left_out.append(LeftOut(path, "archived"))
            elif is_whole(key):
                found.objects.append(ReadableObject(path, node))
            else:
                found.left_out.append(LeftOut(path, "pack" if pack_of(key) else "blocks"))
        return found


def _too_many() -> TooLarge:
    return TooLarge(
        "These are more files than temporary credentials can name: take a folder with fewer files.",
        code="too_many_files",
    )

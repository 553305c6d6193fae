"""Use cases of visitors who change what a link for editing leads to, besides sending files.

They act on behalf of the link's owner, within the linked file or folder: the same rules hold as for a program with an
API token that is limited to a folder.
"""

from dataclasses import dataclass

from docstore_metadata.errors import ReadOnly
from docstore_metadata.files.service import FileService
from docstore_metadata.links.visits.service import Visit
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree.paths import check_name
from docstore_metadata.tree.rules import Node
from docstore_platform.security.tokens import Principal


@dataclass(frozen=True, slots=True)
class LinkEditing:
    """Raises ReadOnly for links of other kinds, NotFound for all that is outside what the link leads to, and
    LimitedToFolder for a change of the linked file or folder itself that is one to its parent."""

    files: FileService
    trash: TrashService

    async def make_folder(self, visit: Visit, name: str, parent_id: str | None) -> tuple[Node, bool]:
        """The folder of this name, and whether it is new."""
        parent_id = parent_id or visit.place.node.id
        place, is_new = await self.files.make_folder(visitor_of(visit), f"/{check_name(name)}", parent_id)
        return place.node, is_new

    async def change(
        self, visit: Visit, node_id: str, if_match: str | None, *, name: str | None, parent_id: str | None
    ) -> Node:
        """Rename or move it."""
        place = await self.files.edit(visitor_of(visit), node_id, if_match, name=name, parent_id=parent_id)
        return place.node

    async def delete(self, visit: Visit, node_id: str, if_match: str | None) -> None:
        """Put it into its owner's trash."""
        await self.trash.put_in(visitor_of(visit), node_id, if_match)


def visitor_of(visit: Visit) -> Principal:
    """A visitor as who acts on behalf of the link's owner, within what the link leads to."""
    link = visit.link
    if not link.edits:
        raise ReadOnly("By this link, nothing can be changed.")
    return Principal(
        account_id=link.owner_id,
        session_id="",
        role="user",
        device=link.by_link,
        folder_id=visit.place.node.id,
        link_id=link.id,
    )

"""Everything the routes can ask for, in one place, and the few answers that take several parts."""

from collections.abc import Sequence
from dataclasses import dataclass

from docstore_metadata.commits.service import CommitService
from docstore_metadata.downloads.service import DownloadService
from docstore_metadata.errors import NotAFolder, Refusal
from docstore_metadata.journal.compare import Comparer
from docstore_metadata.journal.service import ChangeFeed
from docstore_metadata.journal.snapshot import Snapshots
from docstore_metadata.people.service import DisplayNames
from docstore_metadata.retention.service import RetentionService
from docstore_metadata.sharing.service import ShareService
from docstore_metadata.storage import Store
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.copying import Copier
from docstore_metadata.tree.listing import Listing, Listings, ListQuery
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.path_root import find_path_root
from docstore_metadata.tree.presentation import Json, file_state, place_json
from docstore_metadata.tree.rules import Permission, Place
from docstore_metadata.tree.service import FileService
from docstore_metadata.versions.service import VersionService
from docstore_platform.tokens import Principal


@dataclass(frozen=True, slots=True)
class UseCases:
    store: Store
    tree: Tree
    files: FileService
    trash: TrashService
    retention: RetentionService
    shares: ShareService
    history: VersionService
    copier: Copier
    committer: CommitService
    listings: Listings
    changes: ChangeFeed
    snapshots: Snapshots
    comparer: Comparer
    downloads: DownloadService
    names: DisplayNames

    async def list_folder(self, principal: Principal, query: ListQuery) -> Listing:
        if query.path is not None:
            base = await find_path_root(self.tree, principal.account_id, query.parent_id)
            place = await base.place(self.tree, query.path)
        else:
            place = await self._by_id(principal, query.parent_id or "")
        place = authorize(principal.account_id, place, Action.READ)
        if not place.node.is_folder:
            raise NotAFolder("Only a folder can be listed.")
        return await self.listings.page(place, principal.account_id, query.page)

    async def _by_id(self, principal: Principal, node_id: str) -> Place | None:
        if node_id == principal.account_id:  # the root, which may not have been made yet
            return await self.tree.at(node_id, ())
        return await self.tree.place(node_id)

    async def lookup(self, account_id: str, node_ids: Sequence[str]) -> list[Json]:
        """Those of the files that the account may read, in the order asked for."""
        places = await self.tree.places(node_ids)
        found: list[Json] = []
        for node_id in dict.fromkeys(node_ids):
            try:
                found.append(place_json(authorize(account_id, places.get(node_id), Action.READ), account_id))
            except Refusal:
                continue
        return found

    async def permissions(self, asked: Sequence[tuple[str, str]]) -> list[Permission | None]:
        """What each account is to each node, whether or not it is in the trash."""
        places = await self.tree.places({node_id for _, node_id in asked})
        return [
            places[node_id].permission_of(account_id) if node_id in places else None for account_id, node_id in asked
        ]

    async def every_file(self, after: str, limit: int, owner_id: str | None) -> list[Json]:
        """Files and folders by id, whatever their state: what an index is built from."""
        condition: Json = {"_id": {"$gt": after}, "parent": {"$ne": None}}
        if owner_id is not None:
            condition["owner"] = owner_id
        nodes = await self.store.find_page(condition, [("_id", 1)], limit)
        places = await self.tree.places([node.id for node in nodes])
        return [
            {
                "file": file_state(place).model_dump(mode="json"),
                "revision": place.node.revision,
                "path": place.path,
                "trashed": not place.is_reachable,
            }
            for place in (places[node.id] for node in nodes if node.id in places)
        ]

"""Answers other services' queries about files: who may read them, their state, how much an account stores."""

from collections.abc import Sequence
from typing import cast

from docstore_contracts.files import File, FileEntry, FileState
from docstore_metadata.errors import NotAFolder
from docstore_metadata.storage import Store
from docstore_metadata.tree.access import AccountReader, Action, Reader, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.paths import split_path
from docstore_metadata.tree.rules import Permission
from docstore_metadata.tree.views.presentation import file_state, place_json
from docstore_platform.errors import DomainError


class FileDirectory:
    """Read-only queries; none of them is limited to one account's tree."""

    def __init__(self, store: Store, tree: Tree) -> None:
        self._store = store
        self._tree = tree

    async def lookup(self, reader: Reader, node_ids: Sequence[str]) -> list[File]:
        """Those of the files that the reader may see, in the given order."""
        places = await self._tree.places(node_ids)
        found: list[File] = []
        for node_id in dict.fromkeys(node_ids):
            try:
                place = authorize(reader, places.get(node_id), Action.READ)
                found.append(place_json(place, reader.account_id))
            except DomainError:
                continue
        return found

    async def folder_at(self, account_id: str, path: str) -> str:
        """The id of the folder at a path in the account's own tree."""
        place = authorize(AccountReader(account_id), await self._tree.at(account_id, split_path(path)), Action.WRITE)
        if not place.node.is_folder:
            raise NotAFolder("An API token can be limited to a folder, not to a file.")
        return place.node.id

    async def permissions(self, asked: Sequence[tuple[str, str]]) -> list[Permission | None]:
        """The permission of each account on each node, whether or not that is in the trash."""
        places = await self._tree.places({node_id for _, node_id in asked})
        return [
            places[node_id].permission_of(account_id) if node_id in places else None for account_id, node_id in asked
        ]

    async def storage_of(self, account_id: str) -> tuple[int, int]:
        """Bytes of all versions and number of files of an account, computed from the versions."""
        return await self._store.versions.storage_of(account_id)

    async def every_file(self, after: str, limit: int, owner_id: str | None) -> list[FileEntry]:
        """Files and folders by id, whatever their state: the input of an index rebuild."""
        nodes = await self._store.nodes.all_after(after, limit, owner_id)
        places = await self._tree.places([node.id for node in nodes])
        return [
            {
                "file": cast("FileState", file_state(place).model_dump(mode="json")),
                "revision": place.node.revision,
                "path": place.path,
                "trashed": not place.is_reachable,
            }
            for place in (places[node.id] for node in nodes if node.id in places)
        ]

"""Use cases of photos: a page of them, and their months."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from docstore_metadata.photos.query import PhotoQuery, next_cursor, position_behind
from docstore_metadata.photos.repository import Photos
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Node

FILLED_FROM_PAGES = 5
"""How many pages of photos that are all in the trash are skipped in one call."""


@dataclass(frozen=True, slots=True)
class PhotoPage:
    places: Sequence[Place]
    next_cursor: str | None


class PhotoService:
    """Photos are in the index of an account, wherever in its tree: those in folders in the trash are left out here."""

    def __init__(self, photos: Photos, tree: Tree) -> None:
        self._photos = photos
        self._tree = tree

    async def page(self, query: PhotoQuery) -> PhotoPage:
        """A page, which may have fewer than `limit` though there are more."""
        for _ in range(FILLED_FROM_PAGES):
            found = await self._photos.page(query)
            shown, more = found[: query.limit], len(found) > query.limit
            places = await self._reachable(shown)
            if places or not more:
                break
            query = replace(query, position=position_behind(shown[-1]))
        return PhotoPage(places, next_cursor(shown[-1]) if more else None)

    async def months(self, account_id: str) -> list[tuple[str, int]]:
        return await self._photos.months(account_id)

    async def _reachable(self, nodes: Sequence[Node]) -> list[Place]:
        known = {node.id: node for node in nodes}
        places = await self._tree.places(known, known=known)
        return [places[node.id] for node in nodes if places[node.id].is_reachable]

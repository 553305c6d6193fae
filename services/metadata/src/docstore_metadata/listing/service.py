"""Listings of folders, with a cache of rendered pages."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from docstore_metadata.errors import NotAFolder
from docstore_metadata.listing.query import ListQuery, PageQuery, next_cursor
from docstore_metadata.listing.repository import FolderPages
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.path_root import find_path_root
from docstore_metadata.tree.places import Place, View
from docstore_metadata.tree.rules import Node
from docstore_metadata.tree.views.presentation import file_json
from docstore_platform.security.tokens import Principal

UNINDEXED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Listing:
    """A rendered page: its JSON and the ETag of that."""

    body: bytes
    etag: str
    expires_at: float | None
    """Monotonic seconds; None: valid as long as the folder's revision is."""


class Listings:
    """Pages of folders. They are cached under the folder's revision and path, so a stale page is never found.

    Except for `indexed`: it changes without the folder, so a page with an unindexed file is cached for a second only.
    """

    def __init__(self, pages: FolderPages, tree: Tree, *, cache_bytes: int) -> None:
        self._pages = pages
        self._tree = tree
        self._cache_bytes = cache_bytes
        self._cached: OrderedDict[tuple[Any, ...], Listing] = OrderedDict()
        self._cached_bytes = 0

    async def list_folder(self, principal: Principal, query: ListQuery) -> Listing:
        """A page of the folder that the query names. NotAFolder for a file."""
        if query.path is not None:
            base = await find_path_root(self._tree, principal, query.parent_id)
            place = await base.place(self._tree, query.path)
        elif query.parent_id == principal.account_id:  # the root may not exist yet
            place = await self._tree.at(principal.account_id, ())
        else:
            place = await self._tree.place(query.parent_id or "")
        place = authorize(principal, place, Action.READ)
        if not place.node.is_folder:
            raise NotAFolder("Only a folder can be listed.")
        return await self.page(place, principal.account_id, query.page)

    async def page(self, folder: Place, account_id: str, page: PageQuery) -> Listing:
        seen = folder.as_seen_by(account_id)
        reader = "" if seen.permission == "owner" else account_id
        key = (folder.node.id, folder.node.children_revision, seen.path, reader, seen.permission, seen.watermark, page)
        cached = self._cached.get(key)
        if cached is not None and (cached.expires_at is None or cached.expires_at > time.monotonic()):
            self._cached.move_to_end(key)
            return cached
        has_owner = page.owner in (None, folder.node.owner_id)  # as has everything in the folder
        nodes = await self._pages.page(folder.node.id, page) if has_owner else []
        listing = _listing(seen, account_id, page, nodes)
        self._keep(key, listing)
        return listing

    def _keep(self, key: tuple[Any, ...], listing: Listing) -> None:
        replaced = self._cached.pop(key, None)
        if replaced is not None:
            self._cached_bytes -= len(replaced.body)
        self._cached[key] = listing
        self._cached_bytes += len(listing.body)
        while self._cached_bytes > self._cache_bytes:
            _, dropped = self._cached.popitem(last=False)
            self._cached_bytes -= len(dropped.body)


def _listing(folder: View, account_id: str, page: PageQuery, nodes: Sequence[Node]) -> Listing:
    shown = nodes[: page.limit]
    cursor = next_cursor(page, shown[-1]) if len(nodes) > page.limit else None
    body = orjson.dumps({"items": [file_json(folder.child(node, account_id)) for node in shown], "next_cursor": cursor})
    complete = all(node.indexed or node.is_folder for node in shown)
    etag = f'"{folder.node.children_revision}-{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    return Listing(body, etag, None if complete else time.monotonic() + UNINDEXED_SECONDS)

"""Listings of a folder: what is asked for, the query by index that answers a page, and a cache of answered pages."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from docstore_metadata.errors import NotAFolder
from docstore_metadata.storage import Store
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.list_query import ListQuery, PageQuery, next_cursor
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.path_root import find_path_root
from docstore_metadata.tree.presentation import file_json
from docstore_metadata.tree.rules import Node, Place, View
from docstore_platform.mongo import Document
from docstore_platform.tokens import Principal

UNSETTLED_SECONDS = 1.0
LAST_CHARACTER = "\U0010ffff"


def page_condition(folder_id: str, page: PageQuery) -> Document:
    """The query of a page: each branch is one range of the index of its order, from where the page before ended."""
    base: Document = {"parent": folder_id, "live": True}
    if page.tag:
        base |= {"tags": page.tag, "tagged": True}
    if page.type:
        family = page.type.removesuffix("*")
        base["content_type"] = _beginning_with(family) if family.endswith("/") else page.type
    base |= _between("modified", page.modified_after, page.modified_before)
    base |= _between("created", page.created_after, page.created_before)
    if page.prefix:
        base["name"] = _beginning_with(page.prefix)
    if page.position is None:
        return base
    value, node_id = page.position
    beyond = "$gt" if page.order == "asc" else "$lt"
    further = {**base, page.field: {**base.get(page.field, {}), beyond: value}}
    if page.sort == "name":
        return further
    return {"$or": [{**base, page.field: value, "_id": {beyond: node_id}}, further]}


def page_order(page: PageQuery) -> list[tuple[str, int]]:
    direction = 1 if page.order == "asc" else -1
    return [("name", direction)] if page.sort == "name" else [(page.field, direction), ("_id", direction)]


def _between(field: str, after: datetime | None, before: datetime | None) -> Document:
    """At `after` or later, and earlier than `before`."""
    bounds = {operator: moment for operator, moment in (("$gte", after), ("$lt", before)) if moment is not None}
    return {field: bounds} if bounds else {}


def _beginning_with(text: str) -> Document:
    return {"$gte": text, "$lt": text + LAST_CHARACTER}


@dataclass(frozen=True, slots=True)
class Listing:
    """An answered page: its JSON and the ETag of that."""

    body: bytes
    etag: str
    expires_at: float | None
    """Monotonic seconds; None: good for as long as the folder's revision is."""


class Listings:
    """Pages of folders. Answered ones are kept under the folder's revision and path, so a stale one is never found.

    But for `indexed`: it changes without the folder changing, so a page with a file that is not yet indexed is kept
    for a second only.
    """

    def __init__(self, store: Store, tree: Tree, *, cache_bytes: int) -> None:
        self._store = store
        self._tree = tree
        self._cache_bytes = cache_bytes
        self._cached: OrderedDict[tuple[Any, ...], Listing] = OrderedDict()
        self._cached_bytes = 0

    async def list_folder(self, principal: Principal, query: ListQuery) -> Listing:
        """A page of the folder that the query names. NotAFolder for a file."""
        if query.path is not None:
            base = await find_path_root(self._tree, principal.account_id, query.parent_id)
            place = await base.place(self._tree, query.path)
        elif query.parent_id == principal.account_id:  # the root may not have been made yet
            place = await self._tree.at(principal.account_id, ())
        else:
            place = await self._tree.place(query.parent_id or "")
        place = authorize(principal.account_id, place, Action.READ)
        if not place.node.is_folder:
            raise NotAFolder("Only a folder can be listed.")
        return await self.page(place, principal.account_id, query.page)

    async def page(self, folder: Place, account_id: str, page: PageQuery) -> Listing:
        seen = folder.as_seen_by(account_id)
        reader = "" if seen.permission == "owner" else account_id
        key = (folder.node.id, folder.node.children_revision, seen.path, reader, seen.permission, page)
        cached = self._cached.get(key)
        if cached is not None and (cached.expires_at is None or cached.expires_at > time.monotonic()):
            self._cached.move_to_end(key)
            return cached
        order = page_order(page)
        nodes = await self._store.find_page(page_condition(folder.node.id, page), order, page.limit + 1)
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
    settled = all(node.indexed or node.is_folder for node in shown)
    etag = f'"{folder.node.children_revision}-{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    return Listing(body, etag, None if settled else time.monotonic() + UNSETTLED_SECONDS)

"""Pages of folders, read from collection `nodes` in MongoDB: each branch of a query is one range of an index."""

from datetime import datetime
from typing import Protocol

from docstore_metadata.listing.query import PageQuery
from docstore_metadata.tree.documents import node_of
from docstore_metadata.tree.name_order import order_of
from docstore_metadata.tree.rules import Node
from docstore_platform.domain.custom_metadata import pair_term
from docstore_platform.mongodb.client import Collection, Document

LAST_CHARACTER = "\U0010ffff"


class FolderPages(Protocol):
    async def page(self, folder_id: str, page: PageQuery) -> list[Node]:
        """The children that a listing queries, and one more if there are more."""


class MongoFolderPages:
    def __init__(self, nodes: Collection) -> None:
        self._nodes = nodes

    async def page(self, folder_id: str, page: PageQuery) -> list[Node]:
        condition, order = page_filter(folder_id, page), page_order(page)
        rows = self._nodes.find(condition, sort=order, limit=page.limit + 1)
        return [node_of(row) for row in await rows.to_list(None)]


def page_filter(folder_id: str, page: PageQuery) -> Document:
    base: Document = {"parent": folder_id, "live": True}
    if page.tag:
        base |= {"tags": page.tag, "tagged": True}
    if page.type:
        family = page.type.removesuffix("*")
        base["content_type"] = _beginning_with(family) if family.endswith("/") else page.type
    if page.metadata:
        base["pairs"] = {"$all": [pair_term(name, value) for name, value in page.metadata]}
    if page.kind:
        base["kind"] = page.kind
        if page.sort == "natural":
            base["order"] = _beginning_with(order_of(page.kind, ""))
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

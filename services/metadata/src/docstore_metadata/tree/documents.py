"""Nodes as MongoDB documents. Fields at their default are left out, which keeps folders small."""

from collections.abc import Iterable
from dataclasses import MISSING, asdict, fields
from datetime import datetime

from docstore_metadata.tree.name_order import order_of
from docstore_metadata.tree.retention_policy import Choice, Policy
from docstore_metadata.tree.rules import NO_METADATA, NO_WATERMARKS, NOBODY, Lock, Node
from docstore_platform.domain.custom_metadata import pair_term
from docstore_platform.mongodb.client import Document

RENAMED = {
    "id": "_id",
    "owner_id": "owner",
    "parent_id": "parent",
    "created_at": "created",
    "modified_at": "modified",
    "client_modified_at": "client_modified",
    "published_readers": "told_readers",
}
FIELDS = {field.name: RENAMED.get(field.name, field.name) for field in fields(Node) if field.name != "retention"}
"""Where each attribute is stored; the retention choice of a root is written by its own repository."""
ATTRIBUTES = {name: attribute for attribute, name in FIELDS.items()}
LEFT_OUT = {field.name: field.default for field in fields(Node)} | {
    "live": False,
    "shared_with": NOBODY,
    "watermarks": NO_WATERMARKS,
    "metadata": NO_METADATA,
}
STORED = [
    (attribute, name, MISSING if attribute in ("revision", "size") else LEFT_OUT[attribute])
    for attribute, name in FIELDS.items()
]
"""Each attribute with its field, and the value at which it is not stored; MISSING: it always is."""
DERIVED = {"name": "order", "tags": "tagged", "metadata": "pairs", "locks": "annotated", "properties": "annotated"}
"""Fields that follow from others: the sort key of a name, marks for the indexes of tags and of locks and properties,
pairs of custom metadata."""


def node_document(node: Node) -> Document:
    document: Document = {"order": order_of(node.kind, node.name)}
    for attribute, name, left_out in STORED:
        value = getattr(node, attribute)
        if value is not left_out and value != left_out:
            document[name] = value
    if node.locks:
        document["locks"] = [asdict(lock) for lock in node.locks]
    if node.locks or node.properties:
        document["annotated"] = True
    if node.tags:
        document["tagged"] = True
    if node.metadata:
        document["pairs"] = [pair_term(name, value) for name, value in node.metadata.items()]
    return document


def node_update(node: Node, attributes: Iterable[str]) -> Document:
    """The update that stores these attributes; those at their default are removed."""
    document = node_document(node)
    names = [name for each in attributes for name in (FIELDS[each], DERIVED.get(each)) if name]
    given = {name: document[name] for name in names if name in document}
    absent = {name: "" for name in names if name not in document}
    return {**({"$set": given} if given else {}), **({"$unset": absent} if absent else {})}


def node_of(document: Document) -> Node:
    values = {ATTRIBUTES[name]: value for name, value in document.items() if name in ATTRIBUTES}
    values.setdefault("live", False)
    if "locks" in document:
        values["locks"] = tuple(Lock(**lock) for lock in document["locks"])
    if "properties" in document:
        values["properties"] = tuple((name, xml) for name, xml in document["properties"])
    for name in ("tags", "published_readers"):
        if name in values:
            values[name] = tuple(values[name])
    if "retention" in document:
        values["retention"] = _choice_of(document["retention"])
    return Node(**values)


def choice_document(choice: Choice) -> Document:
    """Forever is stored as 0, so that an index distinguishes it from no choice."""
    policy = choice.policy
    if policy is None:
        return {"at": choice.at}
    return {
        "trash_days": policy.trash_days or 0,
        "versions": policy.versions,
        "version_days": policy.version_days or 0,
        "at": choice.at,
    }


def _choice_of(document: Document) -> Choice:
    if "versions" not in document:
        return Choice(None, document["at"])
    policy = Policy(document["trash_days"] or None, document["versions"], document["version_days"] or None)
    return Choice(policy, document["at"])


def root_node(account_id: str, created_at: datetime) -> Node:
    """The folder where every path of an account begins. Its name is never shown: it is unique among roots."""
    return Node(
        id=account_id,
        owner_id=account_id,
        parent_id=None,
        name=account_id,
        kind="folder",
        created_at=created_at,
        modified_at=created_at,
        modified_by=account_id,
    )

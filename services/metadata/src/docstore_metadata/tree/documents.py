"""How nodes and versions lie in MongoDB. Fields at their default are left out, which keeps folders small."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from docstore_metadata.retention.rules import Choice, Policy
from docstore_metadata.tree.name_order import order_of
from docstore_metadata.tree.rules import NOBODY, Node
from docstore_platform.mongo import Document

OPTIONAL_NODE_FIELDS: tuple[tuple[str, object], ...] = (
    ("device", ""),
    ("children_revision", 0),
    ("size", 0),
    ("content_type", ""),
    ("sha256", ""),
    ("version", 0),
    ("object_key", ""),
    ("kept_versions", 0),
    ("indexed_version", 0),
    ("preview_version", 0),
    ("trashed_at", None),
    ("trashed_path", ""),
    ("told_readers", ()),
    ("replaced_from", None),
    ("cold_from", None),
    ("suspended", False),
    ("trash_from", None),
    ("versions_from", None),
)
OTHER_FIELDS: Mapping[str, tuple[str, ...]] = {
    "parent_id": ("parent",),
    "name": ("name", "order"),
    "tags": ("tags", "tagged"),
    "modified_at": ("modified",),
    "client_modified_at": ("client_modified",),
}
"""Where an attribute is stored that is not stored under its own name."""


def node_document(node: Node) -> Document:
    document: Document = {
        "_id": node.id,
        "owner": node.owner_id,
        "parent": node.parent_id,
        "name": node.name,
        "order": order_of(node.kind, node.name),
        "kind": node.kind,
        "created": node.created_at,
        "modified": node.modified_at,
        "modified_by": node.modified_by,
        "revision": node.revision,
        "size": node.size,
    }
    if node.live:
        document["live"] = True
    if node.hidden:
        document["hidden"] = True
    if node.shared_with:
        document["shared_with"] = dict(node.shared_with)
    document.update(tag_fields(node.tags))
    for field, default in OPTIONAL_NODE_FIELDS:
        value = getattr(node, field)
        if value != default:
            document[field] = value
    if node.client_modified_at is not None:
        document["client_modified"] = node.client_modified_at
    return document


def node_update(node: Node, attributes: Iterable[str]) -> Document:
    """The update that stores these attributes; those at their default are left out."""
    document = node_document(node)
    fields = [field for attribute in attributes for field in OTHER_FIELDS.get(attribute, (attribute,))]
    given = {field: document[field] for field in fields if field in document}
    absent = {field: "" for field in fields if field not in document}
    return {**({"$set": given} if given else {}), **({"$unset": absent} if absent else {})}


def tag_fields(tags: tuple[str, ...]) -> Document:
    """`tagged` marks those that belong into the index of tags."""
    return {"tags": list(tags), "tagged": True} if tags else {}


def node_of(document: Document) -> Node:
    get = document.get
    return Node(
        id=document["_id"],
        owner_id=document["owner"],
        parent_id=document["parent"],
        name=document["name"],
        kind=document["kind"],
        created_at=document["created"],
        modified_at=document["modified"],
        modified_by=document["modified_by"],
        device=get("device", ""),
        tags=tuple(get("tags", ())),
        revision=document["revision"],
        live=get("live", False),
        children_revision=get("children_revision", 0),
        size=get("size", 0),
        content_type=get("content_type", ""),
        sha256=get("sha256", ""),
        version=get("version", 0),
        object_key=get("object_key", ""),
        client_modified_at=get("client_modified"),
        kept_versions=get("kept_versions", 0),
        indexed_version=get("indexed_version", 0),
        preview_version=get("preview_version", 0),
        hidden=get("hidden", False),
        trashed_at=get("trashed_at"),
        trashed_path=get("trashed_path", ""),
        shared_with=get("shared_with", NOBODY),
        told_readers=tuple(get("told_readers", ())),
        replaced_from=get("replaced_from"),
        cold_from=get("cold_from"),
        suspended=get("suspended", False),
        retention=_choice_of(get("retention")),
        trash_from=get("trash_from"),
        versions_from=get("versions_from"),
    )


def choice_document(choice: Choice) -> Document:
    """For ever is 0, so that what was chosen can be told from what was not in an index."""
    policy = choice.policy
    if policy is None:
        return {"at": choice.at}
    return {
        "trash_days": policy.trash_days or 0,
        "versions": policy.versions,
        "version_days": policy.version_days or 0,
        "at": choice.at,
    }


def _choice_of(document: Document | None) -> Choice | None:
    if document is None:
        return None
    if "versions" not in document:
        return Choice(None, document["at"])
    policy = Policy(document["trash_days"] or None, document["versions"], document["version_days"] or None)
    return Choice(policy, document["at"])


def root_node(account_id: str, created_at: datetime) -> Node:
    """The folder every path of an account begins at. Its name is never shown: it makes it unique among roots."""
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

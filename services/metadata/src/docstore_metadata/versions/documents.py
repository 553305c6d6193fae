"""Versions as MongoDB documents."""

from dataclasses import fields

from docstore_metadata.documents import FieldMap
from docstore_metadata.tree.rules import Version
from docstore_platform.mongodb.client import Document

RENAMED = {"node_id": "node", "owner_id": "owner", "created_at": "created", "client_modified_at": "client_modified"}
VERSIONS = FieldMap(
    Version,
    {field.name: RENAMED.get(field.name, field.name) for field in fields(Version)},
    optional={"client_modified_at", "came_at", "metadata"},
)


def version_id(node_id: str, number: int) -> str:
    """Sorts like the versions of a file."""
    return f"{node_id}.{number:010d}"


def version_document(version: Version) -> Document:
    return {"_id": version_id(version.node_id, version.number), **VERSIONS.document(version)}

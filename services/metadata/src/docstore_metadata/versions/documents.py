"""Versions as MongoDB documents. Fields at their default are left out."""

from docstore_metadata.versions.rules import Version
from docstore_platform.mongo import Document


def version_id(node_id: str, number: int) -> str:
    """Ordered as the versions of a file are."""
    return f"{node_id}.{number:010d}"


def version_document(version: Version) -> Document:
    times = {"came_at": version.came_at, "client_modified": version.client_modified_at}
    return {
        "_id": version_id(version.node_id, version.number),
        "owner": version.owner_id,
        "node": version.node_id,
        "number": version.number,
        "object_key": version.object_key,
        "size": version.size,
        "sha256": version.sha256,
        "content_type": version.content_type,
        "created": version.created_at,
        "created_by": version.created_by,
        "device": version.device,
        "upload_id": version.upload_id,
        "restored_from": version.restored_from,
        **{name: time for name, time in times.items() if time is not None},
    }


def version_of(document: Document) -> Version:
    return Version(
        node_id=document["node"],
        owner_id=document["owner"],
        number=document["number"],
        object_key=document["object_key"],
        size=document["size"],
        sha256=document["sha256"],
        content_type=document["content_type"],
        created_at=document["created"],
        created_by=document["created_by"],
        device=document["device"],
        upload_id=document["upload_id"],
        restored_from=document["restored_from"],
        client_modified_at=document.get("client_modified"),
        came_at=document.get("came_at"),
    )

"""Files and folders as JSON of the public API, and as state in events."""

from collections.abc import Mapping
from typing import Any

from docstore_contracts.caller import ItemRefused
from docstore_contracts.files import File
from docstore_events.catalogue.files import FileState
from docstore_metadata.paging import moment_json
from docstore_metadata.tree.places import Place, View
from docstore_metadata.tree.rules import Node
from docstore_platform.clock import rfc3339
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_json

Json = dict[str, Any]


def file_json(view: View) -> File:
    """A file or folder as the public API shows it to one account."""
    node = view.node
    is_file = node.kind == "file"
    return {
        "id": node.id,
        "kind": node.kind,
        "name": "" if node.is_root else node.name,
        "path": view.path,
        "parent_id": view.parent_id,
        "size": node.size,
        "content_type": node.content_type if is_file else None,
        "sha256": node.sha256 if is_file and view.watermark is None else None,
        "version": node.version,
        "tags": node.tags,
        "metadata": dict(node.metadata),
        "owner_id": node.owner_id,
        "permission": view.permission,
        "can_delete": view.can_delete,
        "created_at": rfc3339(node.created_at),
        "modified_at": rfc3339(node.modified_at),
        "client_modified_at": moment_json(node.client_modified_at),
        "modified_by": node.modified_by,
        "etag": node.etag,
        "indexed": node.indexed,
        "preview": node.preview,
        "watermark": view.watermark,
    }


def item_problem(error: DomainError) -> ItemRefused:
    """An error as the result of one item in a batch."""
    return {"problem": problem_json(error)}


def place_json(place: Place, account_id: str) -> File:
    """A file or folder as an account with access sees it."""
    return file_json(place.as_seen_by(account_id))


def named_json(place: Place, account_id: str, names: Mapping[str, str]) -> Json:
    """The same with the names of its people; null where unknown."""
    file = place_json(place, account_id)
    return {**file, "owner_name": names.get(file["owner_id"]), "modified_by_name": names.get(file["modified_by"])}


def file_state(place: Place) -> FileState:
    """The state of a file or folder in events."""
    node = place.node
    return FileState(
        file_id=node.id,
        owner_id=node.owner_id,
        parent_id=node.parent_id or "",
        ancestors=place.ancestor_ids,
        kind=node.kind,
        name=node.name,
        size=node.size,
        content_type=node.content_type,
        sha256=node.sha256,
        version=node.version,
        tags=node.tags,
        metadata=dict(node.metadata),
        created_at=node.created_at,
        modified_at=node.modified_at,
        modified_by=node.modified_by,
        device=node.device,
        object_key=node.object_key,
        readers=place.readers,
    )


def people_of(node: Node) -> tuple[str, str]:
    """The accounts whose names a response about a file or folder contains."""
    return node.owner_id, node.modified_by

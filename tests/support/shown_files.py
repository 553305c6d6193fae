"""Files as metadata shows them, for fakes that stand in for it."""

from typing import Any


def shown_file(**fields: Any) -> dict[str, Any]:
    """A file with default fields, overridden by `fields`; `id` and `path` among them."""
    usual = {
        "kind": "file",
        "name": fields["path"].rpartition("/")[2],
        "parent_id": "root",
        "size": 0,
        "content_type": "application/octet-stream",
        "sha256": "0" * 64,
        "version": 1,
        "tags": [],
        "metadata": {},
        "owner_id": "owner",
        "permission": "owner",
        "can_delete": True,
        "created_at": "2026-11-22T08:00:00.000Z",
        "modified_at": "2026-11-22T08:00:00.000Z",
        "modified_by": "owner",
        "client_modified_at": None,
        "etag": '"1"',
        "indexed": False,
        "preview": False,
    }
    return usual | fields

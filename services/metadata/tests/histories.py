"""Versions of a file, for the rules about its history."""

from datetime import datetime

from docstore_metadata.tree.rules import Version


def version(number: int, created_at: datetime, came_at: datetime | None = None) -> Version:
    return Version(
        node_id="n",
        owner_id="ann",
        number=number,
        object_key=f"k{number}",
        size=1,
        sha256="",
        content_type="",
        created_at=created_at,
        created_by="ann",
        came_at=came_at,
    )

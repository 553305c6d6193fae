"""Options for listing folders and for searches."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict

from docstore_client.models import Kind

Sort = Literal["natural", "name", "modified", "created", "size"]


class ListOptions(TypedDict, total=False):
    """Omitted options have defaults: everything, ascending, folders first, `natural` order (ignores case, numbers by
    value; `name` sorts by bytes). `type` applies to files and may be a family as `image/*`; `after` is inclusive."""

    sort: Sort
    order: Literal["asc", "desc"]
    tag: str | None
    type: str | None
    prefix: str | None
    modified_after: datetime | None
    modified_before: datetime | None
    created_after: datetime | None
    created_before: datetime | None
    owner: str | None
    kind: Kind | None
    metadata: Mapping[str, str] | None
    """Exactly this custom metadata."""


class SearchOptions(TypedDict, total=False):
    """Filters of a search; all must match. Times are exclusive."""

    modified_after: datetime | None
    modified_before: datetime | None
    created_after: datetime | None
    created_before: datetime | None
    owner: str | None
    kind: Kind | None
    metadata: Mapping[str, str] | None
    """Exactly this custom metadata."""
    sort: Literal["modified", "created", "size"] | None
    """Best first without it, or without words last modified."""
    order: Literal["asc", "desc"]


def parameters(options: ListOptions | SearchOptions) -> dict[str, Any]:
    """Query parameters; each pair of metadata is one of its own."""
    filters: dict[str, Any] = {**options}
    metadata = filters.pop("metadata", None) or {}
    return filters | {f"meta.{name}": value for name, value in metadata.items()}

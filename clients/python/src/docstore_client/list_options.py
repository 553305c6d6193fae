"""Options for listing folders."""

from datetime import datetime
from typing import Literal, TypedDict

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

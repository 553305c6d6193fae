"""How folders are listed."""

from datetime import datetime
from typing import Literal, TypedDict

Sort = Literal["natural", "name", "modified", "created", "size"]


class ListOptions(TypedDict, total=False):
    """What is left out is as usual: everything, upwards, folders first, names without case and numbers by their value
    (`natural`; `name` is by bytes). `type` is of files, and may be a family as `image/*`; after is then or later."""

    sort: Sort
    order: Literal["asc", "desc"]
    tag: str | None
    type: str | None
    prefix: str | None
    modified_after: datetime | None
    modified_before: datetime | None
    created_after: datetime | None
    created_before: datetime | None

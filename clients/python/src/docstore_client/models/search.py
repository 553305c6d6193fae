"""Results of searches, and saved searches."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from docstore_client.models.base import Model, Page
from docstore_client.models.files import File, Kind


class Hit(Model):
    file: File
    score: float
    snippet: str | None = None


class Hits(Page[Hit]):
    total: int
    mode: Literal["name", "fulltext"]


class SavedFilters(Model):
    """Filters of a saved search; those that are None do not filter. Spans in days end with the moment of the search."""

    model_config = ConfigDict(populate_by_name=True)

    within: Literal["name", "content"] | None = Field(None, alias="in")
    tag: list[str] | None = None
    type: str | None = None
    kind: Kind | None = None
    owner: str | None = None
    metadata: dict[str, str] | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    modified_within_days: int | None = None
    created_within_days: int | None = None
    sort: Literal["modified", "created", "size"] | None = None
    order: Literal["asc", "desc"] | None = None


class FamilySums(Model):
    """Files of one family, such as images, and the bytes of their current versions."""

    family: str
    files: int
    bytes: int


class SavedSearch(Model):
    id: str
    name: str
    q: str
    filters: SavedFilters
    created_at: datetime
    modified_at: datetime

"""Request and response models of saved searches."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from docstore_indexer.engines.engine import Order, Sort
from docstore_platform.clock import rfc3339
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page, ResponseModel, omittable
from docstore_platform.http.values import WHOLE, CustomMetadata, DayOrMoment, Id, Line, Tag, Text

Name = Annotated[Line, Field(min_length=1, max_length=100)]
Query = Annotated[Text, Field(max_length=1000)]
Days = Annotated[int, Field(ge=1, le=36500), WHOLE]


class Filters(RequestModel):
    """Parameters of `GET /v1/search`, and time spans that end with the moment of the search."""

    scope: Literal["name", "content"] | None = Field(None, alias="in")
    """Where words are looked for."""
    tag: Annotated[list[Tag], Field(max_length=20)] | None = None
    """Files with all of these tags."""
    type: Annotated[Text, Field(max_length=200)] | None = None
    """Such as `application/pdf`, `image` or `pdf`."""
    kind: Literal["file", "folder"] | None = None
    """Only files or only folders."""
    owner: Id | None = None
    """Account that owns them."""
    metadata: CustomMetadata | None = None
    """Files with exactly these values of custom metadata."""
    modified_after: DayOrMoment | None = None
    """Content changed after this time."""
    modified_before: DayOrMoment | None = None
    """Content changed before this time."""
    created_after: DayOrMoment | None = None
    """Created after this time."""
    created_before: DayOrMoment | None = None
    """Created before this time."""
    modified_within_days: Days | None = None
    """Content changed in the last days before the search."""
    created_within_days: Days | None = None
    """Created in the last days before the search."""
    sort: Sort | None = None
    """Order of the results; by relevance if it is not set."""
    order: Order | None = None
    """Direction of `sort`."""

    def stored(self) -> dict[str, Any]:
        """Return those that are set, in JSON."""
        given = self.model_dump(by_alias=True, exclude_none=True)
        return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in given.items()}


class NewSavedSearch(RequestModel):
    """A search to keep under a name."""

    name: Name
    """Name in lists."""
    q: Query = ""
    """Words to search for."""
    filters: Filters = Field(default_factory=Filters)
    """Filters of the search."""


class ChangedSavedSearch(RequestModel):
    """What changes; `filters` as a whole."""

    name: Name | None = None
    """New name."""
    q: Query | None = None
    """New words to search for."""
    filters: Filters | None = None
    """Replaces all filters."""


class SavedFilters(ResponseModel):
    """Filters of a saved search; those that are not set are omitted."""

    scope: Literal["name", "content"] = Field(default_factory=lambda: "name", alias="in")
    """Where words are looked for."""
    tag: list[str] = omittable()
    """All of them."""
    type: str = omittable()
    """Such as `application/pdf`, `image` or `pdf`."""
    kind: Literal["file", "folder"] = omittable()
    """Only files or only folders."""
    owner: str = omittable()
    """Account that owns it."""
    metadata: dict[str, str] = omittable()
    """Exactly these pairs."""
    modified_after: datetime = omittable()
    """Exclusive."""
    modified_before: datetime = omittable()
    """Exclusive."""
    created_after: datetime = omittable()
    """Exclusive."""
    created_before: datetime = omittable()
    """Exclusive."""
    modified_within_days: int = omittable()
    """Modified in so many days before the search: its caller computes `modified_after`."""
    created_within_days: int = omittable()
    """Created in so many days before the search: its caller computes `created_after`."""
    sort: Sort = omittable()
    """What hits are sorted by; best first without it, or without words last modified."""
    order: Order = omittable()
    """Descending without it."""


class SavedSearch(ResponseModel):
    """A search that the account keeps under a name; run it with `GET /v1/search`."""

    id: str
    """Id."""
    name: str
    """Unique within the account."""
    q: str
    """Words, as in `GET /v1/search`."""
    filters: SavedFilters
    """Filters."""
    created_at: datetime
    """When it was saved."""
    modified_at: datetime
    """When it was last changed."""


class SavedSearchPage(Page[SavedSearch]):
    """Saved searches, by name."""

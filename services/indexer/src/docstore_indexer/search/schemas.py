"""Responses of the search routes."""

from typing import Literal

from docstore_indexer.engines.engine import Family
from docstore_platform.http.response_models import FileJson, Page, ResponseModel


class SearchHit(ResponseModel):
    """A found file or folder."""

    file: FileJson
    score: float
    """Relevance; comparable within one search only."""
    snippet: str | None
    """The match in the text, as HTML whose only element is `<mark>`; null if there is nothing to show."""


class SearchPage(Page[SearchHit]):
    """A page of hits, best first."""

    total: int
    """Number of all hits."""
    mode: Literal["name", "fulltext"]
    """Whether names or texts were searched."""


class FamilySums(ResponseModel):
    """Files of one family."""

    family: Family
    """What people would call them, by their content type."""
    files: int
    """How many."""
    bytes: int
    """Of their current versions."""


class StoredByFamily(ResponseModel):
    """What an account stores, by family."""

    items: list[FamilySums]
    """Largest first; a family without files is left out."""

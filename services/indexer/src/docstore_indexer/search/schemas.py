"""Responses of the search route."""

from typing import Literal

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

"""Responses of the search route, as the API's description shows them."""

from typing import Literal

from docstore_platform.answers import Answer, FileJson, Page


class SearchHit(Answer):
    """A file or folder that was found."""

    file: FileJson
    score: float
    """The higher, the better it fits; comparable within one search only."""
    snippet: str | None
    """Where it was found, as HTML whose only element is `<mark>`; null if there is nothing to show."""


class SearchPage(Page[SearchHit]):
    """A page of what was found, the best first."""

    total: int
    """How many were found in all."""
    mode: Literal["name", "fulltext"]
    """Whether names or texts were searched."""

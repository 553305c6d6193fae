"""Responses of the rebuild routes, as the API's description shows them."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from docstore_platform.answers import Answer, sometimes


class RebuildPass(Answer):
    """What one walk through all files has seen."""

    files: int
    """Files that can be searched."""
    added: int
    """Of them, those put into the new index."""
    taken_over: int
    """Those that no event had told of, or not as they are."""
    removed: int
    """Those that are no more."""


class Rebuild(Answer):
    """How far the rebuild under way is, or how the last one ended. `pass_1`, `pass_2` ... : what each walk has seen."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, RebuildPass]

    state: Literal["none", "waiting", "running", "done"]
    """`none`: there was never one."""
    reason: str = sometimes()
    """Why it was begun; `requested` by an operator."""
    started_at: datetime = sometimes()
    """Of the one under way, or the last."""
    finished_at: datetime = sometimes()
    """Of the last."""
    error: str = sometimes()
    """Why it waits to be begun anew."""
    number: int = Field(default_factory=int, alias="pass")
    """The walk that is under way, or was the last, from 1."""
    cursor: str = sometimes()
    """The last id it has come to."""

"""Requests and responses of the rebuild routes."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import ResponseModel, omittable
from docstore_platform.http.values import Id


class RebuildRequest(RequestModel):
    """Without an account the whole index is built again."""

    account_id: Id | None = None
    """Account whose files alone are indexed again."""


class RebuildPass(ResponseModel):
    """Counts of one pass through all files."""

    files: int
    """Searchable files."""
    added: int
    """Files added to the new index; of one account: files that were queued to be indexed again."""
    taken_over: int
    """Files that events had not described, or not in their current state."""
    removed: int
    """Files that no longer exist."""


class Rebuild(ResponseModel):
    """Progress of the running rebuild, or result of the last one. `pass_1`, `pass_2` ...: counts of each pass."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, RebuildPass]

    state: Literal["none", "waiting", "running", "done"]
    """`none`: there was no rebuild yet."""
    account_id: str = omittable()
    """The account, if only its files are indexed again."""
    reason: str = omittable()
    """Why it was started; `requested` by an operator."""
    started_at: datetime = omittable()
    """Start of the running rebuild, or the last one."""
    finished_at: datetime = omittable()
    """End of the last rebuild."""
    error: str = omittable()
    """Why it must be started again."""
    number: int = Field(default_factory=int, alias="pass")
    """Number of the running or last pass, from 1."""
    cursor: str = omittable()
    """Last id of the pass so far."""

"""Response models of activity."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from docstore_analytics.activity.entries import ActivityKind
from docstore_platform.http.response_models import Page, ResponseModel, omittable


class Actor(ResponseModel):
    """The account that did it."""

    id: str
    """Account."""
    name: str | None
    """Null if it is unknown."""


class Activity(ResponseModel):
    """One action on a file or folder."""

    id: str
    """Id, ordered by time."""
    at: datetime
    """When it happened."""
    type: ActivityKind
    """Kind of action."""
    file_id: str
    """The file or folder."""
    name: str
    """Its name at that time."""
    actor: Actor | None
    """Null for a caller who was not logged in."""
    version: int = omittable()
    """Number of the new version."""
    device: str | None = omittable()
    """Device of the action; null if unknown, or another person's on a file of another account."""
    previous_name: str = omittable()
    """Its name before."""
    tags: list[str] = omittable()
    """All its tags afterwards."""
    moved_from: str = Field(default_factory=str, alias="from")
    """For the owner only: path of the folder it was moved from."""
    moved_to: str = Field(default_factory=str, alias="to")
    """For the owner only: path of the folder it was moved to."""
    email: str = omittable()
    """For the owner only: address it was shared with, or unshared from."""
    role: Literal["viewer", "editor"] = omittable()
    """For the owner only: role of the share."""


class ActivityPage(Page[Activity]):
    """A page of activity, latest first. A page may be empty without being the last."""

"""Responses with activity."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from docstore_analytics.activity.entries import What
from docstore_platform.answers import Answer, Page, sometimes


class Actor(Answer):
    """Who did it."""

    id: str
    """Account."""
    name: str | None
    """Null if it is not known."""


class Activity(Answer):
    """One thing that was done with a file or folder."""

    id: str
    """Ordered by time."""
    at: datetime
    """When it was done."""
    type: What
    """What was done."""
    file_id: str
    """The file or folder."""
    name: str
    """As it was called then."""
    actor: Actor | None
    """Null where nobody was logged in."""
    version: int = sometimes()
    """The version that came of it."""
    device: str | None = sometimes()
    """The device it was done on; null if that is not known, or somebody else's on another's file."""
    previous_name: str = sometimes()
    """What it was called before."""
    tags: list[str] = sometimes()
    """All that it has since."""
    moved_from: str = Field(default_factory=str, alias="from")
    """For its owner: path of the folder it was moved out of."""
    moved_to: str = Field(default_factory=str, alias="to")
    """For its owner: path of the folder it was moved into."""
    email: str = sometimes()
    """For its owner: whom it was shared with, or no longer."""
    role: Literal["viewer", "editor"] = sometimes()
    """For its owner: what it was shared as."""


class ActivityPage(Page[Activity]):
    """A page of what was done, the latest first. It may be empty and not the last."""

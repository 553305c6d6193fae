"""Requests and responses of the routes of the retention policy."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from docstore_metadata.tree.retention_policy import MAX_DAYS
from docstore_platform.answers import Answer
from docstore_platform.bodies import Body
from docstore_platform.values import WHOLE, described

Days = Annotated[int, described(minimum=1, maximum=MAX_DAYS), WHOLE]


class NewPolicy(Body):
    """All of it: what is to be as before is said again. `most` in the answer is what the operator allows."""

    trash_days: Days | None = Field(description="what is in the trash goes for good after so many days; null: never")
    versions: Annotated[int, described(minimum=1), WHOLE] = Field(
        description="versions kept of a file, the current one included"
    )
    version_days: Days | None = Field(description="old versions go so many days after they were replaced; null: never")


class RetentionPolicy(Answer):
    """How long what is no longer needed is kept."""

    trash_days: int | None
    """Days in the trash; null: for ever."""
    versions: int
    """Of a file, the current one included."""
    version_days: int | None
    """Days after another version has taken its place; null: for ever."""


class Retention(RetentionPolicy):
    """The policy that the account has, or will have."""

    is_default: bool
    """Whether it is the operator's, since nothing was chosen."""
    applies_at: datetime | None
    """When the last choice takes effect; null: it has."""
    most: RetentionPolicy
    """The most that may be chosen."""

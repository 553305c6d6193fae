"""Requests and responses of the routes of the retention policy."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from docstore_metadata.tree.retention_policy import MAX_DAYS
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import ResponseModel
from docstore_platform.http.values import WHOLE, described

Days = Annotated[int, described(minimum=1, maximum=MAX_DAYS), WHOLE]


class NewPolicy(RequestModel):
    """The whole policy. `most` in the response is what the operator allows."""

    trash_days: Days | None = Field(description="trash is deleted permanently after so many days; null: never")
    versions: Annotated[int, described(minimum=1), WHOLE] = Field(
        description="versions kept of a file, the current one included"
    )
    version_days: Days | None = Field(
        description="old versions are deleted so many days after they were replaced; null: never"
    )


class RetentionPolicy(ResponseModel):
    """How long trash and old versions are kept."""

    trash_days: int | None
    """Days in the trash; null: for ever."""
    versions: int
    """Versions of a file, the current one included."""
    version_days: int | None
    """Days after the version was replaced; null: for ever."""


class Retention(RetentionPolicy):
    """The account's policy, which may not have taken effect yet."""

    is_default: bool
    """Whether it is the operator's default."""
    applies_at: datetime | None
    """When the last choice takes effect; null: it has already."""
    most: RetentionPolicy
    """The most that may be chosen."""

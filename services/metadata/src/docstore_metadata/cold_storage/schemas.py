"""Response models of retrievals."""

from datetime import datetime
from typing import Literal

from docstore_platform.http.response_models import ResponseModel


class Retrieval(ResponseModel):
    """Whether a content can be read; one in cold storage must be retrieved first."""

    version: int
    """The version of the content."""
    state: Literal["available", "archived", "requested"]
    """`available`: it can be read. `archived`: request it. `requested`: you will be notified when it can
    be read."""
    requested_at: datetime | None
    """When the caller requested it; null unless `state` is `requested`."""
    expected_at: datetime | None
    """When it can probably be read; null unless `state` is `requested`."""
    estimate_seconds: int | None
    """How long a retrieval takes; null if `state` is `available`."""

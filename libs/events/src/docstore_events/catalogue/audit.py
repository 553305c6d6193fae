"""Calls of the public API, for the audit log."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from docstore_events.catalogue.event import Event


class ApiCall(BaseModel):
    """A call that changed or read content, or tried to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: datetime
    """Time of the response."""
    request_id: str
    method: str
    route: str
    """Part of the API, such as /v1/files."""
    path: str
    """Requested path without its query; `-` in place of a link's token."""
    status: int
    account_id: str
    """Account of the caller; empty without a login."""
    session_id: str
    client: str
    """IP address of the caller."""
    object_id: str = ""
    """The file, folder or other object of the call, if any."""
    read: tuple[str, ...] = ()
    """Files whose bytes, or signed URLs for them, the response contained. Use of the URLs is unknown."""


class ApiCalled(Event, topic="calls", owner="gateway", key="gateway_id"):
    """Emitted about once a second by each gateway instance that has served such calls, with all of them."""

    gateway_id: str
    """Id of the instance, new at each start; `revision` counts its events."""
    calls: tuple[ApiCall, ...]

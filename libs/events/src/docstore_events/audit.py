"""Calls of the public API, for the audit log."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from docstore_events.event import Event


class ApiCall(BaseModel):
    """One call that changed content or read it, or tried to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: datetime
    """When it was answered."""
    request_id: str
    method: str
    route: str
    """The part of the API, such as /v1/files."""
    path: str
    """As it was called, without its query; `-` in place of a link's token."""
    status: int
    account_id: str
    """Who called; empty where nobody was logged in."""
    session_id: str
    client: str
    """Address it came from."""
    object_id: str = ""
    """The file, folder or other thing it was about, if that is one."""
    read: tuple[str, ...] = ()
    """Files whose bytes, or signed URLs for them, it handed out: what is done with a URL is not known."""


class ApiCalled(Event, topic="calls", owner="gateway"):
    """Emitted about every second by each instance of the gateway that has answered such calls: many at once."""

    gateway_id: str
    """Of the instance, new at each of its starts; `revision` counts the events that it has published."""
    calls: tuple[ApiCall, ...]

    def key(self) -> str:
        return self.gateway_id

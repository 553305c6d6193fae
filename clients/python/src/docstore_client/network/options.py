"""Options of a client: timeouts, attempts, certificates and bandwidth of its connections."""

import platform
import ssl
from dataclasses import dataclass
from importlib.metadata import version

from docstore_client.network.retrying import TRIES


@dataclass(frozen=True, slots=True)
class Options:
    """Timeouts in seconds, attempts of each call, and the client's name in its requests."""

    connect_timeout: float = 10.0
    """Longest time that a connection takes."""
    response_timeout: float = 90.0
    """Longest silence within a response. Waiting for changes needs more than its `wait`."""
    tries: int = TRIES
    """Attempts of a call that may be repeated safely; 1: none is repeated."""
    tls: ssl.SSLContext | None = None
    """Trusted authorities, and a client certificate; the system's authorities by default."""
    upload_limit: int | None = None
    """Bytes a second that all transfers together send to the object store; None: no limit."""
    download_limit: int | None = None
    """Bytes a second that all transfers together receive; None: no limit."""
    user_agent: str = ""
    """Name and version of the program, before the client's own: `backup/2.1`."""

    def user_agents(self) -> str:
        """Return the header `User-Agent`."""
        own = f"docstore-python/{version('docstore-client')} Python/{platform.python_version()} {platform.system()}"
        return f"{self.user_agent} {own}".lstrip()


DEFAULT = Options()

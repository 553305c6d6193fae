"""Retry policy and proxy settings."""

import functools
import random
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

TRIES = 5
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
LONGEST_RETRY_AFTER_SECONDS = 60.0
PASSING = frozenset({429, 502, 503, 504})
"""Statuses worth retrying."""
AMBIGUOUS = frozenset({502, 504})
"""Those after which the call may have taken effect."""


def may_pass_at_store(status: int) -> bool:
    """Statuses of an object store worth retrying: also 500."""
    return status == 429 or status >= 500


def pause(attempt: int) -> float:
    """Seconds before the next attempt: exponential with jitter."""
    return float(min(FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0))


def retry_after(headers: Mapping[str, str], attempt: int) -> float:
    """The server's Retry-After, within limits."""
    seconds = headers.get("retry-after", "")
    return min(float(seconds), LONGEST_RETRY_AFTER_SECONDS) if seconds.isdigit() else pause(attempt)


def proxy_for(url: str) -> str | None:
    """Proxy for a server by HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or the system's settings."""
    parts = urlsplit(url)
    return _proxy(parts.scheme, parts.netloc)


@functools.cache
def _proxy(scheme: str, server: str) -> str | None:
    proxies = urllib.request.getproxies()
    if scheme not in proxies or urllib.request.proxy_bypass(server):
        return None
    return proxies[scheme]

"""Other web origins that may call the API (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from collections.abc import Iterable

from docstore_gateway.responses import HeaderList

EXPOSED = b"ETag, Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed, " + (
    b"Accept-Ranges, Content-Range, Content-Disposition"
)
PREFLIGHT: HeaderList = [
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Range, X-Link-Grant",
    ),
    (b"access-control-max-age", b"600"),
]


class Cors:
    """CORS headers for allowed origins, without credentials: calls carry a bearer token, never a cookie."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origin.rstrip("/").encode() for origin in origins)
        self._any = b"*" in self._origins

    def headers(self, origin: bytes) -> HeaderList:
        """Return headers of a response to `origin`; none if it may not read it."""
        if not self._any and origin not in self._origins:
            return []
        return [
            (b"access-control-allow-origin", b"*" if self._any else origin),
            (b"access-control-expose-headers", EXPOSED),
            (b"vary", b"Origin"),
        ]

    def preflight(self, granted: HeaderList) -> HeaderList:
        """Return headers of a preflight response besides `granted`."""
        return PREFLIGHT if granted else []

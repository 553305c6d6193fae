"""Headers that every response gets from the gateway, besides those of the service."""

from docstore_gateway.edge.allowed_methods import allowed_methods
from docstore_gateway.edge.requests import Exchange
from docstore_gateway.responses import HeaderList

SECURITY_HEADERS: HeaderList = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-site"),
]
API_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox")
NEVER_STORED = (b"cache-control", b"no-store")
REVALIDATED = (b"cache-control", b"private, no-cache")
"""Cached by the caller's own browser only, and revalidated with its ETag."""
SET_BY_PAGES = frozenset(
    (
        b"content-security-policy",
        b"referrer-policy",
        b"x-frame-options",
        b"access-control-allow-origin",
        b"cross-origin-resource-policy",
    )
)
"""Set by a page itself, if it has them: what it may load, where its forms lead, who may frame it or load its assets."""
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class ResponseHeaders:
    """Completes responses. `strict_transport`: with Strict-Transport-Security."""

    def __init__(self, *, strict_transport: bool) -> None:
        self._every_response = [*SECURITY_HEADERS, *([STRICT_TRANSPORT] if strict_transport else [])]

    def complete(self, headers: HeaderList, exchange: Exchange, path: str, *, public: bool) -> HeaderList:
        """Return the headers of a response with those of the gateway. `public`: a service's, not the gateway's own."""
        added = [
            *self._every_response,
            (b"x-request-id", exchange.request_id),
            *exchange.rate_limit,
            *exchange.extra,
        ]
        names = {name.lower() for name, _ in headers}
        if public:
            added.append(API_POLICY)
            if b"cache-control" not in names:
                added.append(REVALIDATED if b"etag" in names else NEVER_STORED)
            if exchange.status == 405:
                headers = [header for header in headers if header[0].lower() != b"allow"]
                added.append((b"allow", allowed_methods(path).encode()))
        given = names & SET_BY_PAGES
        return [*headers, *(header for header in added if header[0] not in given)]

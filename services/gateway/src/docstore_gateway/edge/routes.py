"""Routes of the public API: the service of each path, and calls without a login."""

from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

from docstore_platform.errors import not_found
from docstore_platform.http.problems import Problem
from docstore_platform.services import ServiceName


class Limit(Enum):
    """Budget that a call is counted in."""

    SIGN_UP = "sign_up"
    LOG_IN = "log_in"
    REFRESH = "refresh"
    ANONYMOUS = "anonymous"
    ACCOUNT = "account"
    EXCHANGE = "exchange"
    PEER = "peer"
    DAV = "dav"


@dataclass(frozen=True, slots=True)
class Route:
    prefix: str
    """Whole path segments: `/v1/files` covers `/v1/files/7`, not `/v1/filesystem`. With ONE_FILE: exactly that path."""
    owner: ServiceName
    tag: str
    """Section in the API's documentation."""


ONE_FILE = "/v1/files/*/"
DAV_ROUTE = "/dav"
"""Route of all WebDAV calls, in metrics and logs."""

ROUTES = (
    Route("/v1/accounts", "accounts", "Accounts"),
    Route("/v1/sessions", "accounts", "Accounts"),
    Route("/v1/me", "accounts", "Accounts"),
    Route("/v1/me/retention", "metadata", "Files and folders"),
    Route("/v1/me/sharing", "metadata", "Files and folders"),
    Route("/v1/me/languages", "indexer", "Search"),
    Route("/v1/me/saved-searches", "indexer", "Search"),
    Route("/v1/me/storage", "analytics", "Accounts"),
    Route("/v1/me/storage/families", "indexer", "Accounts"),
    Route("/v1/password-resets", "accounts", "Accounts"),
    Route("/v1/regions", "accounts", "Accounts"),
    Route("/v1/files", "metadata", "Files and folders"),
    Route(f"{ONE_FILE}preview", "media", "Files and folders"),
    Route(f"{ONE_FILE}media", "media", "Files and folders"),
    Route("/v1/folders", "metadata", "Files and folders"),
    Route("/v1/trash", "metadata", "Files and folders"),
    Route("/v1/photos", "metadata", "Files and folders"),
    Route("/v1/shared-with-me", "metadata", "Files and folders"),
    Route("/v1/share-invitations", "metadata", "Files and folders"),
    Route("/v1/blocked-people", "metadata", "Files and folders"),
    Route("/v1/activity", "analytics", "Files and folders"),
    Route("/v1/links", "metadata", "Links"),
    Route("/l", "metadata", "Links"),
    Route("/v1/changes", "metadata", "Sync"),
    Route("/v1/snapshot", "metadata", "Sync"),
    Route("/v1/compare", "metadata", "Sync"),
    Route("/v1/events", "gateway", "Sync"),
    Route("/v1/contents", "metadata", "Sync"),
    Route("/v1/uploads", "upload", "Uploads"),
    Route("/v1/blocks", "upload", "Uploads"),
    Route("/v1/packs", "upload", "Uploads"),
    Route("/v1/search", "indexer", "Search"),
    Route("/v1/subscriptions", "notify", "Notifications"),
    Route("/v1/notifications", "notify", "Notifications"),
    Route("/v1/unsubscribe", "notify", "Notifications"),
    Route("/v1/push-key", "notify", "Notifications"),
    Route("/v1/push-subscriptions", "notify", "Notifications"),
    Route("/v1/admin/accounts", "accounts", "Operators"),
    Route("/v1/admin/invitations", "accounts", "Operators"),
    Route("/v1/admin/overview", "quota", "Operators"),
    Route("/v1/admin/search", "indexer", "Operators"),
    Route("/v1/admin/backups", "gateway", "Operators"),
    Route("/v1/admin/dead-letters", "gateway", "Operators"),
    Route("/v1/admin/events", "gateway", "Operators"),
    Route("/v1/admin/health", "gateway", "Operators"),
    Route("/v1/admin/logs", "gateway", "Operators"),
    Route("/v1/admin/verify", "gateway", "Operators"),
    Route("/v1/admin/reports", "analytics", "Operators"),
    Route("/v1/admin/audit", "analytics", "Operators"),
    Route("/v1/admin/archive", "analytics", "Operators"),
)

_OF_ONE_FILE = {route.prefix.removeprefix(ONE_FILE): route for route in ROUTES if route.prefix.startswith(ONE_FILE)}
_BY_PREFIX = {route.prefix: route for route in ROUTES if not route.prefix.startswith(ONE_FILE)}
_DEPTHS = sorted({prefix.count("/") for prefix in _BY_PREFIX}, reverse=True)

_OPEN: dict[tuple[str, str], Limit] = {
    ("POST", "/v1/accounts"): Limit.SIGN_UP,
    ("GET", "/v1/accounts/sign-up"): Limit.ANONYMOUS,
    ("POST", "/v1/accounts/verify"): Limit.LOG_IN,
    ("POST", "/v1/sessions"): Limit.LOG_IN,
    ("POST", "/v1/sessions/refresh"): Limit.REFRESH,
    ("POST", "/v1/password-resets"): Limit.LOG_IN,
    ("POST", "/v1/password-resets/confirm"): Limit.LOG_IN,
    ("GET", "/v1/regions"): Limit.ANONYMOUS,
    ("GET", "/v1/unsubscribe"): Limit.ANONYMOUS,
    ("POST", "/v1/unsubscribe"): Limit.ANONYMOUS,
}
LINK_PREFIXES = ("/v1/links/", "/l/")
"""Open to everyone with the token that follows, as a program or on the page of a link."""

WITHOUT_EFFECT = frozenset(
    {"/v1/blocks/missing", "/v1/compare", "/v1/contents", "/v1/contents/cookies", "/v1/files/zip"}
)
"""POSTs that only query, with long responses."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def find_route(path: str) -> Route:
    """Return the route with the longest prefix of `path`, a clean path; 404 if there is none."""
    segments = path.split("/")
    if len(segments) == 5 and segments[2] == "files" and segments[4] in _OF_ONE_FILE:
        return _OF_ONE_FILE[segments[4]]
    for depth in _DEPTHS:
        route = _BY_PREFIX.get("/".join(segments[: depth + 1]))
        if route is not None:
            return route
    raise not_found("route")


def is_routed(path: str) -> bool:
    """Whether a raw path belongs to a service and not to the gateway itself."""
    return path.lstrip("/").startswith(("v1", "l/"))


def open_limit(method: str, path: str) -> Limit | None:
    """Return the budget of a call without a login; None if it needs one."""
    if path.startswith(LINK_PREFIXES):
        return Limit.ANONYMOUS
    limit = _OPEN.get((method, path))
    if limit is None and method == "GET" and path.endswith("/redirect") and path.startswith("/v1/uploads/"):
        return Limit.ANONYMOUS if path.count("/") == 4 else None
    return limit


def ignores_key(path: str) -> bool:
    """Whether calls of `path` ignore an Idempotency-Key: log-ins, opened links, queries."""
    if path.startswith("/v1/admin/accounts/") and path.endswith("/password-resets"):
        return True
    if path == "/v1/admin/invitations":
        return True
    if path == "/v1/sessions" or path.startswith(("/v1/sessions/", *LINK_PREFIXES)):
        return True
    return path in WITHOUT_EFFECT


def clean_path(raw: bytes) -> str:
    """Return the path to forward, still percent-encoded: without empty segments and a final `/`.

    404 for a segment that contains a separator, a control character, `.` or `..`: no route has one, and services might
    interpret it in different ways.
    """
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        raise not_found("route") from None
    if "%" not in text and "//" not in text and "/." not in text and "\\" not in text and text.isprintable():
        return text if text == "/" or not text.endswith("/") else text[:-1]
    segments = [segment for segment in text.split("/") if segment]
    if any(_is_ambiguous(segment) for segment in segments):
        raise not_found("route")
    return "/" + "/".join(segments)


def _is_ambiguous(segment: str) -> bool:
    try:
        plain = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        return True
    twice = unquote(plain, errors="replace")
    return (
        plain in {".", ".."}
        or twice in {".", ".."}
        or not plain.isprintable()
        or any(character in "/\\" for character in twice)
    )


def check_method(method: str) -> None:
    """405 for a method that no route has."""
    if method not in METHODS:
        raise Problem(
            405, "method_not_allowed", "No route has this method.", headers={"Allow": ", ".join(sorted(METHODS))}
        )

"""What all operations of the public API share: texts, parameters, response headers and errors."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

Json = dict[str, Any]

API_VERSION = "1.0.0"
"""Version of the API, which outlives releases: a change that breaks clients is a new prefix."""
DESCRIPTION = """Store, sync, search and share files. File contents go straight between you and the object store.

Times are RFC 3339 in UTC, sizes are bytes. Lists are `{items, next_cursor}`: pass `next_cursor` as `cursor` to get the
next page. Errors are `application/problem+json` (RFC 9457) with a stable `code`. Another account's id is 404, like an
unknown one. A query parameter that a route does not have is 400 `unknown_parameter`. Calls that change something accept
`Idempotency-Key`: a call repeated with the same key within 24 hours has no second effect and gets its first response
again. Too many calls get 429 with `Retry-After`."""

LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
TAG_TEXTS = {
    "Accounts": "Sign up, log in, sessions, the caller's own account and storage.",
    "Files and folders": "The tree of files: list, change, copy, share, trash, versions, previews.",
    "Links": "Public links: what visitors call without an account.",
    "Sync": "What has changed since a cursor, at once or by polling; snapshots and comparisons for clients that sync.",
    "Uploads": "Send contents to the object store: forms, signed URLs, parallel parts, credentials, blocks, packs.",
    "Search": "Find files by name, content, tags, dates and custom metadata; saved searches.",
    "Notifications": "Subscriptions to files and folders, and what was sent about them.",
    "Operators": "For administrators: accounts, audit log, reports, dead letters, backups, health.",
}
"""By section of the documentation, which `Route.tag` names."""
VERB = re.compile(
    "(abort|accept|block|choose|compare|complete|confirm|copy|create|decline|delete|discard|finish|get|initiate|list|"
    "locate|log|mark|open|purge|refresh|replay|republish|request|reset|restore|retry|search|send|set|start|stream|test|"
    "unblock|update|verify)_|unsubscribe$"
)
"""Beginnings of names of operations: get, list, create, update (PATCH), set (PUT) and delete, or what the call does."""

PARAMETER_TEXTS = {
    "account_id": "Id of the account.",
    "action": "Only entries of this action.",
    "after": "Number of the last verified entry: verification continues behind it.",
    "created_after": "Only items created after this time or day.",
    "created_before": "Only items created before this time or day.",
    "days": "Number of days, until today.",
    "file_id": "Id of the file or folder.",
    "format": "Format of the picture; by default one that suits the file.",
    "if-match": "The `etag` that the caller has seen: 412 `precondition_failed` if the file has changed since then.",
    "in": "Where words are looked for: in names, or in contents too (`premium_required` on a free plan).",
    "kind": "Only files or only folders.",
    "letter_id": "Id of the dead letter.",
    "limit": "Most items of the page.",
    "link_id": "Id of the link.",
    "modified_after": "Only items whose content changed after this time or day.",
    "modified_before": "Only items whose content changed before this time or day.",
    "name": "Name of the report.",
    "number": "Number of the version.",
    "object_id": "Only entries about this object.",
    "order": "Direction of the order.",
    "pack_id": "Id of the pack.",
    "parent_id": "Id of the folder.",
    "person": "Id of the account, or an address.",
    "plan": "Only accounts of this plan.",
    "push_subscription_id": "Id of the push subscription.",
    "saved_search_id": "Id of the saved search.",
    "session_id": "Id of the session.",
    "share_id": "Id of the share.",
    "since": "Number of a version: those after it are listed.",
    "state": "Only uploads in this state.",
    "status": "Only accounts with this status.",
    "step": "Period that values are summed up over.",
    "subscription_id": "Id of the subscription.",
    "table": "Table of the archive.",
    "token": "Token of the link.",
    "token_id": "Id of the API token.",
    "unread": "Only unread notifications.",
    "upload_id": "Id of the upload.",
    "user-agent": "Names the session if no `device_name` is given.",
    "version": "Number of the version; the current one by default.",
}
"""Descriptions of parameters that a service does not describe by itself: a name means the same everywhere."""

IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 255 printable ASCII characters, a new key for every call. 422 `idempotency_key_reused` if it "
    "was used for another call.",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
}


def _header(description: str, example: str | int) -> Json:
    kind = "integer" if isinstance(example, int) else "string"
    return {"description": description, "schema": {"type": kind, "examples": [example]}}


RESPONSE_HEADERS = {
    "X-Request-Id": _header("Id of the call: the client's own, or a new one. Logs and traces contain it.", "0199f3c2"),
    "RateLimit-Policy": _header(
        "Name, quota and window in seconds of the limit that the call counts in.", '"account";q=6000;w=60'
    ),
    "RateLimit": _header("Calls left, and seconds until the quota is full again.", '"account";r=5999;t=1'),
    "Retry-After": _header("Seconds to wait before the same call is repeated; with 429, 503 and some 409.", 1),
    "Idempotency-Replayed": _header("`true` if this is the stored response to an earlier call with the key.", "true"),
    "ETag": _header("State of the file or list, for `If-Match` or `If-None-Match`.", '"4f1c"'),
    "Location": _header("Where to go on.", "https://docs.example.org/"),
}
ON_EVERY_RESPONSE = ("X-Request-Id", "RateLimit-Policy", "RateLimit")


def refs(names: Iterable[str]) -> Json:
    """Return references to headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


PROBLEM_REF = {"$ref": "#/components/responses/Problem"}
_PROBLEM_CONTENT = {"schema": {"$ref": "#/components/schemas/Problem"}}
PROBLEM_RESPONSE = {
    "description": "The call failed.",
    "headers": refs((*ON_EVERY_RESPONSE, "Retry-After")),
    "content": {"application/problem+json": _PROBLEM_CONTENT},
}


def with_problem(described: Json | None) -> Json:
    """Return the error response: a problem, and what the service describes besides."""
    if described is None:
        return PROBLEM_REF
    return {**described, "content": {**described["content"], "application/problem+json": _PROBLEM_CONTENT}}


def problem_schema(codes: Sequence[str]) -> Json:
    """Return the schema of an error with one of `codes`."""
    return {
        "type": "object",
        "title": "Problem",
        "description": "RFC 9457. `code` is stable, `detail` is for people; a code may have members of its own.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string", "description": "The code as a URI."},
            "title": {"type": "string", "description": "The code in words."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "code": {
                "type": "string",
                "enum": [*codes],
                "description": "What went wrong, for programs. Later releases may add codes: treat an unknown one by "
                "its status.",
            },
            "detail": {"type": "string", "description": "What went wrong, for people."},
        },
        "additionalProperties": True,
        "examples": [
            {
                "type": "urn:docstore:problem:not_found",
                "title": "Not found",
                "status": 404,
                "code": "not_found",
                "detail": "There is no such file or folder.",
            }
        ],
    }

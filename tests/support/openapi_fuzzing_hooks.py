"""Hooks for schemathesis: errors that are correct for data that fits the document."""

import json
import os
import re
from typing import Any
from uuid import uuid4

import schemathesis
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.openapi.checks import RejectedPositiveData, UndefinedContentType

REFRESH = "POST /v1/sessions/refresh"
MAY_LOSE_SESSION = bool(os.environ.get("FUZZ_MAY_LOSE_SESSION"))
BEGIN_UPLOAD = "POST /v1/uploads"
VERIFY_EMAIL = "PUT /v1/me/email-verification"
KEY = "Idempotency-Key"
KEY_FORM = re.compile("[!-~]([ -~]{0,253}[!-~])?")

NO_HTTP = b"Invalid HTTP request received."
"""What the server answers to a request line that is too long to be one: no route is known yet."""

STATE_STATUSES = frozenset({403, 404, 409, 410, 412, 507})
"""Refused for what is there, or for who asks: another time, or for someone else, the same request is accepted."""
STATE = {
    "invalid_credentials": "nobody has this password",
    "invalid_parts": "the object store has no such parts",
    "wrong_code": "it was not mailed",
    "language_unavailable": "its data is not installed here",
    "share_with_self": "the address is the caller's",
    "too_many_failures": "many wrong passwords",
    "too_many_invitations": "many in a day",
    "too_many_tests": "many in an hour",
    "too_many_texts": "many in a day",
    "too_many_verification_mails": "many in an hour",
}
"""The same, by codes whose status has other reasons as well."""

BEYOND_A_SCHEMA = {
    "invalid_cursor": "a cursor is opaque: only one that a page of this very list answered is good",
    "invalid_path": "names are counted in bytes of UTF-8, are in normal form C, and neither `.` nor `..`",
    "invalid_tags": "tags are counted in bytes of UTF-8 and printable, whatever the version of Unicode calls so",
    "invalid_phone_number": "only the networks of phones know which numbers there are",
    "invalid_metadata": "values are printable, whatever the version of Unicode calls so, and only forms have fields",
    "unprintable_text": "printable is whatever the version of Unicode calls so",
    "invalid_display_name": "is not of blanks alone, whatever the version of Unicode calls so",
    "invalid_email": "a domain outside ASCII is one that IDNA can write in ASCII, and the parts have their own lengths",
    "weak_password": "a password is in no list of common ones, and not easily guessed",
    "current_password_needed": "a new password is needed together with the current one",
    "invalid_expires_at": "the moment is to come, and within 10 years",
    "invalid_expiry": "the moment is to come",
    "not_for_this_kind": "which fields a link may have depends on its kind",
    "invalid_client_modified_at": "the schema of a moment has no bounds",
    "moment_out_of_range": "a moment of RFC 3339 may lie outside the years 1 to 9999 in UTC",
    "watermark_for_viewers": "an existing share may have a watermark, or be an editor's",
    "watermark_without_downloads": "a watermark and a limit of downloads exclude each other, in what the link has, too",
    "invalid_retention": "the operator sets the bounds",
    "path_outside_folder": "the paths lie in the folder that another field names",
    "invalid_target": "what a target must have depends on the channel, and whether it is public on its address",
    "invalid_picture": "which parameters may be named depends on the others",
    "invalid_size": "the operator sets the bound of a form of open size",
    "invalid_sha256": "what is sent in blocks is declared with its checksum",
    "too_large_for_method": "the largest size depends on the method",
    "unsupported_method": "only an upload in parts has URLs of parts",
}
"""Rules between values, or over them, for which JSON Schema has no word. The document has them in prose."""


@schemathesis.hook
def before_call(_context: Any, case: Case, _kwargs: dict[str, Any]) -> None:
    """Have every call mean something new: a key that was used before would hide how the call is answered.

    Known values are put into a field whatever the others are: an upload gets back to naming one target, and a
    verification to one proof.
    """
    key = (case.headers or {}).get(KEY)
    if isinstance(key, str) and KEY_FORM.fullmatch(key):
        case.headers[KEY] = uuid4().hex
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.operation.label == BEGIN_UPLOAD:
        case.body.pop("file_id" if case.body.get("path") is not None else "parent_id", None)
    if case.operation.label == VERIFY_EMAIL and case.body.get("code") is not None:
        case.body.pop("token", None)


@schemathesis.hook
def filter_failure(_context: Any, failure: Exception, case: Case, response: Response) -> bool:
    """Whether it is one: no refusal is for a reason that the document can't tell, or that is gone another time."""
    if isinstance(failure, RejectedPositiveData):
        if response.status_code in STATE_STATUSES or _code(response) in {**STATE, **BEYOND_A_SCHEMA}:
            return False
        # Elsewhere a 401 means that the run has lost its session.
        return not (response.status_code == 401 and (MAY_LOSE_SESSION or case.operation.label == REFRESH))
    return not (isinstance(failure, UndefinedContentType) and response.content == NO_HTTP)


def _code(response: Response) -> str:
    try:
        return str(json.loads(response.content)["code"])
    except (ValueError, LookupError, TypeError):
        return ""

"""Parameters that routes of several features share."""

from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import Field

from docstore_accounts.account.rules import MAX_EMAIL_CHARS, MAX_NAME_CHARS
from docstore_accounts.passwords.rules import MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS
from docstore_platform.http.values import Id, Text, described
from docstore_platform.security.throttle import client_address

NO_STORE = {"Cache-Control": "no-store"}
"""For responses that contain tokens: no cache may store them (RFC 6749, 5.1)."""
DISPLAY_NAME_PATTERN = r"^[^\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]*$"
NOT_BLANK = "One line, not blank, without control characters; else 422 `invalid_display_name`."

Address = Annotated[str, Depends(client_address)]
PathId = Annotated[Id, Path()]
Limit = Annotated[int, Query(ge=1, le=500)]

KnownEmail = Annotated[Text, Field(max_length=MAX_EMAIL_CHARS)]
"""An address of an existing account: any that was accepted at sign-up."""
GivenPassword = Annotated[Text, Field(max_length=2 * MAX_PASSWORD_CHARS)]
"""A password to compare with the stored one."""
NewPassword = Annotated[
    GivenPassword,
    described(
        minLength=MIN_PASSWORD_CHARS,
        maxLength=MAX_PASSWORD_CHARS,
        description="Not common, leaked or easy to guess; else 422 `weak_password`.",
    ),
]
DisplayName = Annotated[
    Text,
    Field(max_length=500),
    described(minLength=1, maxLength=MAX_NAME_CHARS, pattern=DISPLAY_NAME_PATTERN, description=NOT_BLANK),
]

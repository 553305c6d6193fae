"""Requests and responses of e-mail verification."""

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from docstore_platform.http.request_models import RequestModel, one_of
from docstore_platform.http.response_models import ResponseModel
from docstore_platform.security.mailed_links import MAX_TOKEN_CHARS

Token = Annotated[str, Field(max_length=MAX_TOKEN_CHARS, description="the part after # of the mailed link")]


class VerifyEmail(RequestModel):
    token: Token


class VerifyOwnEmail(RequestModel):
    """Exactly one of the two."""

    model_config = ConfigDict(json_schema_extra=one_of("token", "code"))

    token: Token | None = None
    code: str | None = Field(None, max_length=50, description="the eight digits in the mail")

    @model_validator(mode="after")
    def _is_one(self) -> "VerifyOwnEmail":
        if (self.token is None) == (self.code is None):
            raise ValueError("give either token or code")
        return self


class EmailVerification(ResponseModel):
    """Whether an account's e-mail address is verified."""

    email: str
    """The account's address."""
    email_verified: bool
    """Whether the owner has verified the address."""

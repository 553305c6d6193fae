"""Requests and responses of API tokens."""

from datetime import datetime
from typing import Any

from pydantic import Field, field_validator

from docstore_accounts.api_tokens import rules
from docstore_platform.clock import rfc3339
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page, ResponseModel
from docstore_platform.http.values import FilePath, Line, Moment
from docstore_platform.security.scopes import SCOPES, Scope


class NewApiToken(RequestModel):
    name: Line = Field(min_length=1, max_length=100, description="what it is for, e.g. the program or the device")
    scopes: list[Scope] = Field(min_length=1, max_length=len(SCOPES), json_schema_extra={"uniqueItems": True})
    path: FilePath | None = Field(None, description="folder of one's own that it is limited to; default: everything")
    expires_at: Moment | None = Field(None, description="default: it works until it is revoked")

    @field_validator("scopes")
    @classmethod
    def _in_order(cls, scopes: list[Scope]) -> list[Scope]:
        return [scope for scope in SCOPES if scope in scopes]


class ApiToken(ResponseModel):
    """A credential of a program."""

    id: str
    """Id, to revoke it."""
    name: str
    """What it is for."""
    scopes: list[Scope]
    """What it may do."""
    path: str | None
    """Folder that it is limited to, where that is now; null: there is no limit, or the folder was deleted."""
    folder_id: str | None
    """Id of that folder; null: there is no limit."""
    created_at: datetime
    """When it was created."""
    expires_at: datetime | None
    """When it stops working; null: when it is revoked."""
    last_used_at: datetime | None
    """When it was last used, within a few minutes; null: never."""


class CreatedApiToken(ApiToken):
    """A new token. It is not shown again."""

    token: str
    """For `Authorization: Bearer`, or as the password of HTTP Basic with the account's e-mail as user."""


class ApiTokenPage(Page[ApiToken]):
    """A page of the caller's API tokens."""


def api_token_json(token: rules.ApiToken, path: str | None) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": list(token.scopes),
        "path": path,
        "folder_id": token.folder_id or None,
        "created_at": rfc3339(token.created_at),
        "expires_at": rfc3339(token.expires_at) if token.expires_at else None,
        "last_used_at": rfc3339(token.last_used_at) if token.last_used_at else None,
    }

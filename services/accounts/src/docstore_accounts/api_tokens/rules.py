"""Rules of API tokens. Standard library only."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from docstore_platform.errors import Conflict, invalid

TOKEN = re.compile(r"dst_[A-Za-z0-9_-]{43}")
SECRET_BYTES = 32
MAX_TOKENS = 100
"""Tokens of one account."""
SHOWN_AFTER_EXPIRY = timedelta(days=30)
"""How long an expired token is listed, so that its owner sees why a program stopped."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A credential of a program. Only a hash of it is stored: it has 256 random bits, so that a fast one is enough."""

    id: str
    account_id: str
    name: str
    scopes: tuple[str, ...]
    secret_hash: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    folder_id: str = ""
    """Folder that it is limited to, by id, so that it may be renamed; empty: none."""

    def works_at(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


def new_secret() -> str:
    return f"dst_{secrets.token_urlsafe(SECRET_BYTES)}"


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def check_expiry(expires_at: datetime | None, now: datetime) -> None:
    """Invalid `invalid_expiry` unless it is in the future."""
    if expires_at is not None and expires_at <= now:
        raise invalid("The token must expire in the future.", "invalid_expiry")


def too_many_tokens() -> Conflict:
    return Conflict(f"An account has at most {MAX_TOKENS} API tokens. Revoke one first.", code="too_many_tokens")

"""Sessions, refresh tokens and device tokens: how they are made, read and compared. Standard library only."""

import hashlib
import hmac
import re
import secrets
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import datetime

from docstore_accounts.account.rules import is_shown

MAX_DEVICE_CHARS = 100
UNNAMED_DEVICE = "unnamed device"
DEVICE_TOKEN = re.compile(r"dsd_[A-Za-z0-9_-]{43}")


def device_token(given: str | None) -> str:
    """Return the given device token if it has our format, else a new one of 256 bits."""
    return given if given and DEVICE_TOKEN.fullmatch(given) else f"dsd_{secrets.token_urlsafe(32)}"


@dataclass(frozen=True, slots=True)
class Session:
    """One device's log-in. All its refresh tokens are of one family."""

    id: str
    account_id: str
    device: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    family_hash: str
    secret_hash: str


def clean_device(*names: str | None) -> str:
    """Return the first of `names` that can be shown, cut to a reasonable length."""
    for name in names:
        shown = "".join(filter(is_shown, unicodedata.normalize("NFC", name or ""))).strip()
        if shown:
            return shown[:MAX_DEVICE_CHARS].strip()
    return UNNAMED_DEVICE


TOKEN_PREFIX = "dsr_"
ID_BYTES = 16
FAMILY_BYTES = 18
SECRET_BYTES = 32
TOKEN_BYTES = ID_BYTES + FAMILY_BYTES + SECRET_BYTES


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token that renews a session: its id, a secret of the token family, and one that changes with every use.

    The family's secret distinguishes an outdated or stolen token from one that was made up around a session id. Only
    hashes of the secrets are stored.
    """

    session_id: str
    family: bytes
    secret: bytes

    @classmethod
    def new(cls, session_id: str) -> "RefreshToken":
        return cls(session_id, secrets.token_bytes(FAMILY_BYTES), secrets.token_bytes(SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "RefreshToken | None":
        """Parse a token; None if the format is not ours."""
        try:
            raw = urlsafe_b64decode(text.removeprefix(TOKEN_PREFIX))
        except ValueError:
            return None
        if len(raw) != TOKEN_BYTES:
            return None
        token = cls(raw[:ID_BYTES].hex(), raw[ID_BYTES:-SECRET_BYTES], raw[-SECRET_BYTES:])
        return token if token.text == text else None

    @property
    def text(self) -> str:
        return TOKEN_PREFIX + urlsafe_b64encode(bytes.fromhex(self.session_id) + self.family + self.secret).decode()

    def next(self) -> "RefreshToken":
        return replace(self, secret=secrets.token_bytes(SECRET_BYTES))

    @property
    def family_hash(self) -> str:
        return hashlib.sha256(self.family).hexdigest()

    @property
    def secret_hash(self) -> str:
        return hashlib.sha256(self.secret).hexdigest()

    def is_of(self, session: Session) -> bool:
        """Whether this token was once issued for `session`."""
        return hmac.compare_digest(self.family_hash, session.family_hash)

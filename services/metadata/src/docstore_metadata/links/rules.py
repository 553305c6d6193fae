"""Public links: what they are, whether one still opens, and what proves that a password was given. Standard library
only.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

TOKEN_BYTES = 24
"""192 bits: nobody finds a link by trying."""
MAX_LINKS = 100
"""Of one file or folder."""
MAX_LINK_YEARS = 10
WARNED_BEFORE = timedelta(hours=24)
KEPT_AFTER_END = timedelta(days=30)
"""An expired link can be seen and prolonged by its owner for so long."""
GRANT_LIFE = timedelta(minutes=10)
GRANT_LABEL = b"docstore link grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A way to a file or folder for whoever has the token: its hash finds the link, its ciphertext shows it again."""

    id: str
    token_hash: str
    node_id: str
    owner_id: str
    name: str
    """The owner's note of whom it is for."""
    created_at: datetime
    expires_at: datetime | None = None
    max_downloads: int | None = None
    password_hash: str | None = None
    encrypted_token: bytes | None = None
    """None for a link that was made before tokens were kept."""
    downloads: int = 0
    opens: int = 0
    revision: int = 1
    operation: str | None = None
    """Of the call that made it, if that had an Idempotency-Key: the same call makes no second link."""

    def opens_at(self, now: datetime) -> bool:
        """Whether it has neither expired nor been used up."""
        return (self.expires_at is None or now < self.expires_at) and self.downloads_left != 0

    @property
    def downloads_left(self) -> int | None:
        """None: any number."""
        return None if self.max_downloads is None else max(0, self.max_downloads - self.downloads)


def new_token() -> str:
    """What stands in a link's URL."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(token: str) -> str:
    """As it is stored and looked up: time taken to compare tells nothing of the token itself."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def warning_moment(expires_at: datetime | None, now: datetime) -> datetime | None:
    """When the owner is to be told that a link is about to end.

    None for one that ends within a day of being given that end: who sets it knows.
    """
    if expires_at is None or expires_at - WARNED_BEFORE <= now:
        return None
    return expires_at - WARNED_BEFORE


class LinkGrants:
    """Short-lived proofs that a link's password was given, so that it is not sent with each call.

    A grant is bound to the link and its password's hash: it dies with either.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [hmac.digest(secret.encode(), GRANT_LABEL, "sha256") for secret in secrets]

    def make(self, link: Link, now: datetime) -> str:
        until = int((now + GRANT_LIFE).timestamp())
        return f"{until}.{_sign(self._keys[0], link, until)}"

    def is_good(self, grant: str, link: Link, now: datetime) -> bool:
        """Whether the grant was made for this link, as it is now, and has not run out."""
        until, _, signature = grant.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) <= 12 and signature.isascii()):
            return False
        good = any(hmac.compare_digest(signature, _sign(key, link, int(until))) for key in self._keys)
        return good and now.timestamp() < int(until)


def _sign(key: bytes, link: Link, until: int) -> str:
    text = f"{link.id}\n{link.token_hash}\n{link.password_hash or ''}\n{until}"
    return base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).rstrip(b"=").decode()

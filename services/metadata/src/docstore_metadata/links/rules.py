"""Public links, and the grants that prove that a link's password was given. Standard library only."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

TOKEN_BYTES = 24
"""192 bits: no link can be found by guessing."""
MAX_LINKS = 100
"""Of one file or folder."""
MAX_LINK_YEARS = 10
WARNED_BEFORE = timedelta(hours=24)
LinkKind = Literal["read", "receive", "edit"]
"""What visitors do: read what it leads to, send files into a folder without seeing what is in it, or read and change
it."""
MOST_FILES: Mapping[LinkKind, int] = {"read": 0, "receive": 1000, "edit": 100_000}
"""How many files a link without a limit of its own takes; each saved version counts as one."""
OPTIONS: Mapping[LinkKind, frozenset[str]] = {
    "read": frozenset({"watermark", "max_downloads", "embed"}),
    "receive": frozenset({"message", "max_files", "max_bytes"}),
    "edit": frozenset({"max_downloads", "max_files", "max_bytes"}),
}
"""Which of the options that not all kinds have make sense for each."""
KEPT_AFTER_END = timedelta(days=30)
"""The owner can see and prolong an expired link for so long."""
GRANT_LIFE = timedelta(minutes=10)
GRANT_LABEL = b"docstore link grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Access to a file or folder with a token: its hash finds the link, its ciphertext restores the URL."""

    id: str
    token_hash: str
    node_id: str
    owner_id: str
    name: str
    """The owner's label."""
    created_at: datetime
    expires_at: datetime | None = None
    max_downloads: int | None = None
    password_hash: str | None = None
    encrypted_token: bytes | None = None
    """None for a link that was made before tokens were stored."""
    downloads: int = 0
    opens: int = 0
    revision: int = 1
    watermark: str | None = None
    """Text on the pictures that are all that visitors see of the contents."""
    embed: bool = False
    """Whether other sites may show it in a frame."""
    kind: LinkKind = "read"
    message: str = ""
    """What visitors of a link that receives are asked for."""
    max_files: int | None = None
    max_bytes: int | None = None
    """Of all files together that visitors send."""
    received_files: int = 0
    received_bytes: int = 0
    """Of uploads that have begun."""
    operation: str | None = None
    """Identifies the call that made it, if that had an Idempotency-Key: the same call makes no second link."""

    def opens_at(self, now: datetime) -> bool:
        """Whether it has neither expired nor reached its download limit."""
        return (self.expires_at is None or now < self.expires_at) and self.downloads_left != 0

    @property
    def receives(self) -> bool:
        return self.kind == "receive"

    @property
    def edits(self) -> bool:
        return self.kind == "edit"

    @property
    def by_link(self) -> str:
        """What histories call its visitors."""
        return f"by link {self.name}" if self.name else "by a link"

    @property
    def most_files(self) -> int:
        """How many files visitors may send."""
        return MOST_FILES[self.kind] if self.max_files is None else self.max_files

    @property
    def files_left(self) -> int:
        """How many files it still takes."""
        return max(0, self.most_files - self.received_files)

    @property
    def bytes_left(self) -> int | None:
        """None: unlimited, except by the owner's storage."""
        return None if self.max_bytes is None else max(0, self.max_bytes - self.received_bytes)

    @property
    def downloads_left(self) -> int | None:
        """None: unlimited."""
        return None if self.max_downloads is None else max(0, self.max_downloads - self.downloads)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOptions:
    """Options of a new link; the password as typed by the owner."""

    name: str = ""
    password: str | None = None
    expires_at: datetime | None = None
    max_downloads: int | None = None
    watermark: str | None = None
    embed: bool = False
    kind: LinkKind = "read"
    message: str = ""
    max_files: int | None = None
    max_bytes: int | None = None


def operation_of(key: str, node_id: str, options: LinkOptions) -> str:
    """Identifies a call with this Idempotency-Key. Independent of the password, so that none can be tested with it."""
    parts: tuple[object, ...] = (key, node_id, options.name, options.password is None)
    parts += (options.expires_at, options.max_downloads)
    if options.watermark is not None:
        parts += (options.watermark,)
    if options.embed:
        parts += ("embed",)
    if options.kind != "read":
        parts += (options.kind, options.message, options.max_files, options.max_bytes)
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()


def new_token() -> str:
    """A new secret for a link's URL."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_of(token: str, kind: LinkKind = "read") -> str:
    """The hash by which a token is stored and looked up: comparing it leaks nothing about the token.

    Links of other kinds have another one, so that a release that does not know them can't open them for reading.
    """
    text = token if kind == "read" else f"{kind} {token}"
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def hashes_of(token: str) -> list[str]:
    """Its hashes for links of every kind."""
    return [hash_of(token, kind) for kind in get_args(LinkKind)]


def warning_moment(expires_at: datetime | None, now: datetime) -> datetime | None:
    """When the owner is notified that a link is about to expire.

    None for one that expires within a day of being set so: its owner knows.
    """
    if expires_at is None or expires_at - WARNED_BEFORE <= now:
        return None
    return expires_at - WARNED_BEFORE


class LinkGrants:
    """Short-lived proofs that a link's password was given, so that it is not sent with each call.

    A grant is bound to the link and its password's hash: it expires with either.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [hmac.digest(secret.encode(), GRANT_LABEL, "sha256") for secret in secrets]

    def make(self, link: Link, now: datetime) -> str:
        until = int((now + GRANT_LIFE).timestamp())
        return f"{until}.{_sign(self._keys[0], link, until)}"

    def is_good(self, grant: str, link: Link, now: datetime) -> bool:
        """Whether the grant was made for this link with its current password, and has not expired."""
        until, _, signature = grant.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) <= 12 and signature.isascii()):
            return False
        good = any(hmac.compare_digest(signature, _sign(key, link, int(until))) for key in self._keys)
        return good and now.timestamp() < int(until)


def _sign(key: bytes, link: Link, until: int) -> str:
    text = f"{link.id}\n{link.token_hash}\n{link.password_hash or ''}\n{until}"
    return base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).rstrip(b"=").decode()

"""Accounts and their changes, and valid e-mail addresses and names. Standard library only."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from docstore_platform.errors import invalid

Plan = Literal["free", "premium"]
Role = Literal["user", "admin"]
Status = Literal["active", "suspended"]
Language = Literal["en", "de", "es", "zh"]
"""Languages of the web page and of e-mails; Chinese is simplified."""

MAX_EMAIL_CHARS = 254
MAX_LOCAL_CHARS = 64
MAX_NAME_CHARS = 100
DIRECTION_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

LOCAL_PART = re.compile(r'[^\s@"(),:;<>\[\]\\.]+(\.[^\s@"(),:;<>\[\]\\.]+)*')
DOMAIN = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(\.(?!-)[\w-]{1,63}(?<!-))*")


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    email: str
    """As its owner typed it."""
    display_name: str
    plan: Plan
    role: Role
    status: Status
    home_region: str
    created_at: datetime
    revision: int
    email_verified: bool = False
    """Whether its owner has verified `email`. False for accounts from before the field existed."""
    language: Language | None = None
    """In which its owner is written to; None if never chosen."""


@dataclass(frozen=True, slots=True)
class Change:
    """Changes to an account; None keeps a value."""

    display_name: str | None = None
    plan: Plan | None = None
    role: Role | None = None
    status: Status | None = None
    email_verified: bool | None = None
    language: Language | None = None


def clean_email(email: str) -> str:
    """Return the address to store; Invalid `invalid_email` if it is impossible (RFC 5321, without quoted forms).

    Its domain may be of any script: the caller checks that IDNA can encode it in ASCII. The part before the @ must be
    ASCII, since few servers accept anything else.
    """
    email = unicodedata.normalize("NFC", email.strip())
    local, _, domain = email.rpartition("@")
    visible = not any(unicodedata.category(c)[0] in "CZ" for c in email)
    fits = len(email) <= MAX_EMAIL_CHARS and len(local) <= MAX_LOCAL_CHARS
    if not fits or not visible or not LOCAL_PART.fullmatch(local) or not DOMAIN.fullmatch(domain):
        raise invalid("This is not an e-mail address.", "invalid_email")
    if not local.isascii():
        raise invalid("The part of an e-mail address before the @ can contain ASCII characters only.", "invalid_email")
    return email


def email_key(email: str) -> str:
    """Return the same key for all spellings of an address: addresses are unique by it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email.strip()).lower())


def clean_name(name: str) -> str:
    """Return a display name on one line; Invalid `invalid_display_name` if it has no visible character."""
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    if not 1 <= len(name) <= MAX_NAME_CHARS or not all(map(is_shown, name)):
        raise invalid(f"A name has 1 to {MAX_NAME_CHARS} visible characters.", "invalid_display_name")
    return name


def is_shown(character: str) -> bool:
    """Whether it is no control character, lone surrogate, line separator or change of text direction."""
    return unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") and character not in DIRECTION_CONTROLS


def steps(account: Account, change: Change) -> list[Account]:
    """Return the account after each change it needs, each the next revision: profile first, then the plan.

    The plan has an event of its own, so that a service that only counts bytes can ignore new names.
    """
    after: list[Account] = []
    named = replace(
        account,
        display_name=change.display_name or account.display_name,
        role=change.role or account.role,
        status=change.status or account.status,
        email_verified=account.email_verified if change.email_verified is None else change.email_verified,
        language=change.language or account.language,
    )
    if named != account:
        account = replace(named, revision=account.revision + 1)
        after.append(account)
    if change.plan is not None and change.plan != account.plan:
        after.append(replace(account, plan=change.plan, revision=account.revision + 1))
    return after

"""Shares with people: what one is, and whom a node is shared with by them. Standard library only."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from docstore_metadata.errors import InvalidEmail
from docstore_metadata.tree.rules import SharedWith, ShareRole

MAX_EMAIL_CHARS = 254
MAX_SHARES = 200
"""Of one file or folder."""
MAX_INVITATIONS = 500
"""New shares by one owner in a day: an e-mail goes to each person, with words that the owner chose."""
INVITATIONS_COUNT_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A file or folder shared with one person."""

    id: str
    node_id: str
    owner_id: str
    email: str
    """As the owner wrote it."""
    email_key: str
    account_id: str | None
    """Who has it; None while the address is not proven to be anybody's, or they have not accepted it."""
    role: ShareRole
    created_at: datetime
    revision: int = 1
    invited_id: str | None = None
    """Account that is asked to accept it."""
    hidden_from: str | None = None
    """Account that never learns of it, since it has blocked the owner."""


def clean_email(email: str) -> str:
    """The address without surrounding space; InvalidEmail unless somebody could have it. Accounts knows better."""
    email = unicodedata.normalize("NFC", email.strip())
    local, _, domain = email.rpartition("@")
    visible = not any(unicodedata.category(char)[0] in "CZ" for char in email)
    if not local or "@" in local or "." not in domain.strip(".") or len(email) > MAX_EMAIL_CHARS or not visible:
        raise InvalidEmail("This is not an e-mail address.")
    return email


def email_key(email: str) -> str:
    """What two spellings of one address have in common, as accounts has it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email.strip()).lower())


def readers_by(shares: Iterable[Share]) -> SharedWith:
    """The role of each account by the shares of one node; the greater one if there are two."""
    roles: dict[str, ShareRole] = {}
    for share in shares:
        if share.account_id is not None and roles.get(share.account_id) != "editor":
            roles[share.account_id] = share.role
    return roles

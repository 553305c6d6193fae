"""Shares with people. Standard library only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import SharedWith, ShareRole, Watermarks

MAX_SHARES = 200
"""Of one file or folder."""
MAX_INVITATIONS = 500
"""New shares by one owner in a day: each recipient gets an e-mail with text that the owner chose."""
READER = "{reader}"
"""Stands for the recipient in the text of a watermark."""
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
    role: ShareRole
    created_at: datetime
    account_id: str | None = None
    """Its recipient; None while no account has proven the address, or the recipient has not accepted it."""
    revision: int = 1
    invited_id: str | None = None
    """Account that is invited to accept it."""
    hidden_from: str | None = None
    """Account that never sees it, since it has blocked the owner."""
    watermark: str | None = None
    """Text on all that the recipient, a viewer, sees of the contents; may contain READER."""

    def text_for(self, name: str) -> str | None:
        """The text with the recipient's name and address, as the owner wrote that; `name` is empty if unknown."""
        reader = f"{name}, {self.email}" if name else self.email
        return None if self.watermark is None else self.watermark.replace(READER, reader)


@dataclass(frozen=True, slots=True)
class SharedPlace:
    """A share, and what is shared."""

    share: Share
    place: Place


def readers_by(shares: Iterable[Share]) -> SharedWith:
    """The role of each account by the shares of one node; the higher one if there are two."""
    roles: dict[str, ShareRole] = {}
    for share in shares:
        if share.account_id is not None and roles.get(share.account_id) != "editor":
            roles[share.account_id] = share.role
    return roles


def watermarks_by(shares: Iterable[Share], names: Mapping[str, str]) -> Watermarks:
    """The watermark of each account that has the same node by no share without one. `names` by account."""
    texts: dict[str, str | None] = {}
    for share in shares:
        account_id = share.account_id
        if account_id is not None and texts.get(account_id, "") is not None:
            texts[account_id] = share.text_for(names.get(account_id, ""))
    return {account_id: text for account_id, text in texts.items() if text is not None}

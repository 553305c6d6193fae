"""Rules of regions: who decides about an e-mail, and which entry of an account wins. Standard library only."""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from docstore_accounts.account.rules import Account, Status, email_key

CLAIMED = 0
"""Revision of an entry whose account is not created yet."""
RECLAIMED = -1
"""Revision of a claim that replaces a lost account of the same home: other homes can't have the e-mail."""

SignUpState = Literal["open", "account", "gone"]
"""State of a sign-up: under way, succeeded, or unable to create its account any more."""
Outcome = Literal["newer", "old", "conflict"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What every region knows of an account of any home region; nothing else is replicated."""

    account_id: str
    email_hash: str
    home_region: str
    status: Status
    revision: int


def hash_email(pepper: str, email: str) -> str:
    """Return one hash for all spellings of an address; the pepper prevents guessing addresses."""
    return hmac.new(pepper.encode(), email_key(email).encode(), hashlib.sha256).hexdigest()


def entry_of(account: Account, pepper: str) -> Entry:
    return Entry(account.id, hash_email(pepper, account.email), account.home_region, account.status, account.revision)


def arbiter(regions: Collection[str], email_hash: str) -> str:
    """Return the region that decides who gets an e-mail: the same one for all, evenly spread.

    Rendezvous hashing (Thaler and Ravishankar, 1996): a region that is added to n takes over 1/(n+1) of the e-mails.
    """
    return max(regions, key=lambda region: hashlib.sha256(f"{region}\n{email_hash}".encode()).digest())


def claim_over(holder: Entry, account_id: str, region: str) -> Entry:
    """Return the claim that replaces an entry whose account does not exist."""
    revision = CLAIMED if holder.revision == CLAIMED else RECLAIMED
    return Entry(account_id, holder.email_hash, region, "active", revision)


def compare_entries(received: Entry, known: Entry | None, holder: Entry | None, here: str) -> Outcome:
    """Whether `received` replaces what is stored: `known` for the account, `holder` for the e-mail.

    A home region has an e-mail once: if it sends another account with it, the earlier account no longer exists, as
    after a restore. Accounts of two homes exist only if both were created before their regions knew each other. Each of
    these regions keeps its own; any other keeps the older account, so that all the others agree.
    """
    if known is not None and known.revision >= received.revision:
        return "old"
    if holder is None or holder.account_id == received.account_id or holder.revision == CLAIMED:
        return "newer"
    if holder.home_region == received.home_region:
        return "newer"
    if here in (holder.home_region, received.home_region):
        return "newer" if received.home_region == here else "conflict"
    return "newer" if received.account_id < holder.account_id else "conflict"

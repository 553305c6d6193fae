"""Shares, to tell what is new from what is known."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """A share as it was told last."""

    id: str
    revision: int
    account_id: str | None
    role: str
    revoked: bool
    invited_id: str | None = None
    """Account that is asked to accept it."""


def address_hash(address: str) -> str:
    """An address as it is kept for ever: whoever reads the list learns no address from it."""
    return hashlib.sha256(address.strip().casefold().encode()).hexdigest()

"""Shares as last notified, to recognize changes."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """A share in the state last notified."""

    id: str
    revision: int
    account_id: str | None
    role: str
    revoked: bool
    invited_id: str | None = None
    """Account that is asked to accept it."""


def address_hash(address: str) -> str:
    """Return the hash of an address, stored forever without revealing the address."""
    return hashlib.sha256(address.strip().casefold().encode()).hexdigest()

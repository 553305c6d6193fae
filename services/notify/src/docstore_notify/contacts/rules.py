"""Whom messages reach."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom a message reaches."""

    account_id: str
    email: str
    display_name: str
    revision: int
    verified: bool = False
    """The address is proven to be theirs."""

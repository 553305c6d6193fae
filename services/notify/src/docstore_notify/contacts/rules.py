"""Recipients of messages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contact:
    """A recipient of messages."""

    account_id: str
    email: str
    display_name: str
    revision: int
    verified: bool = False
    """Whether the owner has verified the address."""

"""What notify knows of a recipient: name, address, language. Standard library only."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

LanguageOf = Callable[[str], Awaitable[str]]
"""Finds the language in which an account is written to."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A recipient of messages."""

    account_id: str
    email: str
    display_name: str
    revision: int
    verified: bool = False
    """Whether the owner has verified the address."""
    language: str = "en"
    """In which the recipient is written to."""

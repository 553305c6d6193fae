"""Credentials of a log-in, and the interface of stores that share them between programs."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Credentials:
    """A log-in at the account's home region; the refresh token changes with every use.

    Or an API token: `Credentials("https://docstore.example.org", "dst_...")`.
    """

    gateway: str
    access_token: str
    refresh_token: str = ""
    """Empty for an API token, which is never renewed."""
    email: str = ""


class CredentialStore(Protocol):
    """Stores the credentials of one log-in."""

    def renewing(self) -> AbstractAsyncContextManager[None]:
        """Lock held by one client at a time, across processes: a refresh token used twice ends its session."""

    def load(self) -> Credentials | None:
        """None if not logged in."""

    def save(self, credentials: Credentials) -> None:
        """Return after they are stored."""

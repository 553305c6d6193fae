"""What keeps a device logged in, and where several programs keep it together."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Credentials:
    """A log-in at the gateway of the account's home region; the refresh token changes with every use."""

    gateway: str
    access_token: str
    refresh_token: str
    email: str = ""


class CredentialStore(Protocol):
    """Keeps the credentials of one log-in at a time."""

    def renewing(self) -> AbstractAsyncContextManager[None]:
        """Held by one client at a time, in whichever process: a refresh token that is used twice ends its session."""

    def load(self) -> Credentials | None:
        """None if nobody is logged in."""

    def save(self, credentials: Credentials) -> None:
        """Returns once they are kept."""

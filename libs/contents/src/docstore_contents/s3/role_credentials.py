"""S3 credentials of a process with an AWS role instead of keys: of its service account, task or machine.

botocore's chain finds them: a web identity token, the endpoint of a container or machine, a profile. Requesting them is
a network call that signing must not wait for, so a thread renews them in advance.
"""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import botocore.session
import structlog
from botocore.exceptions import BotoCoreError, ClientError

from docstore_contents.s3.signing import Credentials

RENEW_BEFORE_SECONDS = 30 * 60
"""Signed URLs expire with the keys that signed them, so keys must last this long. A role's may last an hour."""
POLL_SECONDS = 60.0

log = structlog.get_logger(__name__)


class CredentialsUnavailable(Exception):
    """No keys are configured, and no role returned any; the message contains the reason."""


class Found(Protocol):
    """The used part of botocore's credentials. Those that expire have `refresh_needed` too."""

    def get_frozen_credentials(self) -> Any: ...


Find = Callable[[], Found | None]


def find_credentials() -> Found | None:
    """Ask the chain again, in a new session that has cached nothing."""
    found: Found | None = botocore.session.Session().get_credentials()
    return found


class RoleCredentials:
    """Call it for the current keys. CredentialsUnavailable if there are none, or the last ones have expired."""

    def __init__(self, find: Find = find_credentials, poll_seconds: float = POLL_SECONDS) -> None:
        self._find = find
        self._poll_seconds = poll_seconds
        self._loading = threading.Lock()
        self._found: Found | None = None
        self._keys: Credentials | None = None

    def __call__(self) -> Credentials:
        if self._keys is None:
            self.load()
        assert self._keys is not None
        if self._ends_within(0):
            raise CredentialsUnavailable("the role's keys have expired and could not be renewed")
        return self._keys

    def load(self) -> None:
        """Get the first keys, unless they are there: a network call."""
        with self._loading:
            if self._keys is None:
                self._renew()
                if self._ends():
                    threading.Thread(target=self._keep_fresh, name="role-credentials", daemon=True).start()

    def _keep_fresh(self) -> None:
        wait = threading.Event()
        while True:
            wait.wait(self._poll_seconds)
            if self._ends_within(RENEW_BEFORE_SECONDS):
                try:
                    self._renew()
                except CredentialsUnavailable as error:
                    log.warning("role_credentials_not_renewed", error=str(error))

    def _renew(self) -> None:
        try:
            found = self._find()
            if found is None:
                raise CredentialsUnavailable(
                    "no keys for S3: set DOCSTORE_S3_ACCESS_KEY_ID and DOCSTORE_S3_SECRET_ACCESS_KEY, or assign a role"
                )
            frozen = found.get_frozen_credentials()
        except (BotoCoreError, ClientError, OSError, RuntimeError) as error:
            # OSError: the token's file; RuntimeError: botocore's error for keys that have expired on arrival.
            raise CredentialsUnavailable(f"the role returned no keys: {error}") from error
        # The keys first: with their older expiry they are replaced too early, never too late.
        self._keys = Credentials(frozen.access_key, frozen.secret_key, frozen.token)
        self._found = found

    def _ends(self) -> bool:
        return hasattr(self._found, "refresh_needed")

    def _ends_within(self, seconds: int) -> bool:
        needed = getattr(self._found, "refresh_needed", None)
        return needed is not None and bool(needed(refresh_in=seconds))


@cache
def role_credentials() -> RoleCredentials:
    """Return the process's own, shared by every store without keys."""
    return RoleCredentials()

"""Keys for S3 of a process that was given a role instead of keys: by its service account, its task or its machine.

botocore's chain finds them where AWS puts them: a web identity token, a container's or a machine's endpoint, a profile.
Asking takes a call over the network, and signing must not wait for one: they are renewed beforehand, in a thread.
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
"""So long signed URLs are good for at least: they end with the keys they were signed by. A role's may last an hour."""
LOOK_SECONDS = 60.0

log = structlog.get_logger(__name__)


class CredentialsUnavailable(Exception):
    """No keys are configured, and no role returned any; the message gives the reason."""


class Found(Protocol):
    """What of botocore's credentials is used here. Those that end have `refresh_needed` too."""

    def get_frozen_credentials(self) -> Any: ...


Find = Callable[[], Found | None]


def find_credentials() -> Found | None:
    """The chain's answer, asked anew: a session of its own remembers none that are about to end."""
    found: Found | None = botocore.session.Session().get_credentials()
    return found


class RoleCredentials:
    """Call it for the keys of this moment. CredentialsUnavailable where there are none, or the last ones have ended."""

    def __init__(self, find: Find = find_credentials, look_seconds: float = LOOK_SECONDS) -> None:
        self._find = find
        self._look_seconds = look_seconds
        self._loading = threading.Lock()
        self._found: Found | None = None
        self._keys: Credentials | None = None

    def __call__(self) -> Credentials:
        if self._keys is None:
            self.load()
        assert self._keys is not None
        if self._ends_within(0):
            raise CredentialsUnavailable("the role's keys have ended and could not be renewed")
        return self._keys

    def load(self) -> None:
        """Get the first ones, unless they are there: takes a call over the network."""
        with self._loading:
            if self._keys is None:
                self._renew()
                if self._ends():
                    threading.Thread(target=self._keep_fresh, name="role-credentials", daemon=True).start()

    def _keep_fresh(self) -> None:
        wait = threading.Event()
        while True:
            wait.wait(self._look_seconds)
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
                    "no keys for S3: set DOCSTORE_S3_ACCESS_KEY_ID and DOCSTORE_S3_SECRET_ACCESS_KEY, or give a role"
                )
            frozen = found.get_frozen_credentials()
        except (BotoCoreError, ClientError, OSError, RuntimeError) as error:
            # OSError: the token's file; RuntimeError: botocore's word for keys that have ended when they arrive.
            raise CredentialsUnavailable(f"no keys by a role: {error}") from error
        # The keys first: with their older end they are given up too early, never too late.
        self._keys = Credentials(frozen.access_key, frozen.secret_key, frozen.token)
        self._found = found

    def _ends(self) -> bool:
        return hasattr(self._found, "refresh_needed")

    def _ends_within(self, seconds: int) -> bool:
        needed = getattr(self._found, "refresh_needed", None)
        return needed is not None and bool(needed(refresh_in=seconds))


@cache
def role_credentials() -> RoleCredentials:
    """The process's own: every store of it that has no keys signs by these."""
    return RoleCredentials()

"""Follows the list of revoked tokens in accounts, so that calls are checked without a request.

One request to accounts is always open and returns as soon as a token is revoked. While accounts is down no user can log
out or be suspended; the known revocations stay in force, and the list is read again afterwards.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection

import structlog

from docstore_contracts.accounts import AccountsClient
from docstore_platform.clock import unix_time
from docstore_platform.errors import NotFound, unavailable
from docstore_platform.security.revocations import Revocation, RevokedTokens
from docstore_platform.security.tokens import Principal, unauthorized

log = structlog.get_logger(__name__)

WAIT_SECONDS = 20
RETRY_SECONDS = 0.5
UNSUPPORTED_RETRY_SECONDS = 10.0
FIRST_READ_SECONDS = 5.0

Listener = Callable[[Collection[str]], None]
"""Gets the ids of accounts with newly revoked tokens."""


class RevocationFollower:
    """Holds the revoked tokens of the last minutes and notifies listeners of new ones."""

    def __init__(self, accounts: AccountsClient) -> None:
        self._accounts = accounts
        self._revoked = RevokedTokens()
        self._cursor = ""
        self._has_read = asyncio.Event()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def covers(self, principal: Principal) -> bool:
        """Whether a token is known to be revoked."""
        return self._revoked.covers(principal)

    async def check(self, principal: Principal) -> None:
        """Unauthenticated for a revoked token; 503 if the list was not read since the start."""
        if not self._has_read.is_set():
            await self._wait_for_first_read()
        if self._revoked.covers(principal):
            raise unauthorized("This session has ended or its rights have changed. Refresh the token or log in again.")

    async def _wait_for_first_read(self) -> None:
        try:
            async with asyncio.timeout(FIRST_READ_SECONDS):
                await self._has_read.wait()
        except TimeoutError:
            raise unavailable("The list of ended sessions") from None

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._read_next()
            except NotFound:  # accounts of an earlier version has no revocations
                self._has_read.set()
                await asyncio.sleep(UNSUPPORTED_RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 - whatever failed, the list is read again
                log.warning("revocations_unreachable", error=repr(error))
                await _pause()

    async def _read_next(self) -> None:
        wait = WAIT_SECONDS if self._cursor else 0
        begun = time.monotonic()
        page = await self._accounts.revocations(self._cursor, wait)
        revocations = [Revocation.from_json(item) for item in page["items"]]
        now = unix_time()
        self._revoked.forget_expired(now)
        self._revoked.add(revocations, now)
        self._cursor = page["cursor"]
        self._has_read.set()
        account_ids = {revocation.account_id for revocation in revocations}
        if account_ids:
            for listener in self._listeners:
                listener(account_ids)
        elif time.monotonic() - begun < wait / 2:  # an instance that stops does not wait
            await _pause()


async def _pause() -> None:
    await asyncio.sleep(RETRY_SECONDS * random.uniform(0.5, 1.5))

"""Revokes access tokens and serves the revocations to gateways."""

import asyncio
import contextlib
import itertools
from dataclasses import dataclass
from datetime import timedelta

from docstore_accounts.api_tokens.repository import ApiTokenRepository
from docstore_accounts.revocation.repository import RevocationRepository
from docstore_accounts.sessions.repository import SessionRepository
from docstore_events.transaction import Transaction
from docstore_platform.clock import Clock
from docstore_platform.ids import new_id
from docstore_platform.security.revocations import Revocation
from docstore_platform.security.tokens import LEEWAY_SECONDS

CLOCK_SKEW = timedelta(seconds=60)
"""Most that the clocks of two instances may differ."""
OVERLAP = CLOCK_SKEW + timedelta(seconds=60)
"""How long rows are read again: a transaction commits up to a minute after it has stamped its row."""


class TokenRevoker:
    """Ends sessions and tokens inside the transaction of the change that ends them."""

    def __init__(
        self,
        store: RevocationRepository,
        sessions: SessionRepository,
        api_tokens: ApiTokenRepository,
        *,
        token_seconds: int,
        clock: Clock,
        wakeup_name: str,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._api_tokens = api_tokens
        self._life = timedelta(seconds=token_seconds + LEEWAY_SECONDS) + CLOCK_SKEW
        self._clock = clock
        self._wakeup_name = wakeup_name

    async def end_session(self, session_id: str, account_id: str, transaction: Transaction) -> bool:
        """Delete one session and revoke its tokens; return whether it existed."""
        deleted = await self._sessions.delete(session_id, account_id, transaction)
        if deleted:
            await self._revoke(account_id, transaction, session_ids=(session_id,))
        return deleted

    async def end_sessions(self, account_id: str, transaction: Transaction, *, but: str = "") -> None:
        """Delete all sessions of an account except `but` and revoke their tokens."""
        # Only a session used within a token's lifetime can have a valid token.
        used_since = self._clock() - self._life
        recent = await self._sessions.used_since(account_id, used_since, transaction)
        await self._sessions.delete_all(account_id, but=but, transaction=transaction)
        ended = tuple(session_id for session_id in recent if session_id != but)
        if ended:
            await self._revoke(account_id, transaction, session_ids=ended)

    async def end_api_token(self, token_id: str, account_id: str, transaction: Transaction) -> bool:
        """Delete an API token and revoke its access tokens; return whether it existed."""
        deleted = await self._api_tokens.delete(token_id, account_id, transaction)
        if deleted:
            await self._revoke(account_id, transaction, session_ids=(token_id,))
        return deleted

    async def end_api_tokens(self, account_id: str, transaction: Transaction) -> None:
        """Delete all API tokens of an account and revoke their access tokens."""
        ended = await self._api_tokens.delete_all(account_id, transaction)
        if ended:
            await self._revoke(account_id, transaction, session_ids=tuple(ended))

    async def outdate(self, account_id: str, revision: int, transaction: Transaction) -> None:
        """Revoke tokens issued before this revision of the account; a refresh may issue new ones."""
        await self._revoke(account_id, transaction, revision=revision)

    async def _revoke(
        self, account_id: str, transaction: Transaction, *, session_ids: tuple[str, ...] = (), revision: int = 0
    ) -> None:
        now = self._clock()
        revocation = Revocation(new_id(), account_id, (now + self._life).timestamp(), session_ids, revision)
        await self._store.add(revocation, now, transaction)
        transaction.wake_after(self._wakeup_name)


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Revocations after a cursor, or all that are in force if the cursor is not of this instance."""

    cursor: str
    revocations: list[Revocation]


class RevocationFeed:
    """Revocations that this instance has read, in reading order.

    A cursor names instance and position. Another instance sends everything again, which a token's lifetime bounds.
    """

    def __init__(self, store: RevocationRepository, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._instance = new_id()
        self._numbers = itertools.count(1)
        self._known: dict[str, tuple[int, Revocation]] = {}
        self._last = 0
        self._read_until = self._clock() - timedelta(days=1)
        self._readers = 0
        self._news = asyncio.Event()
        self._stopping = False

    async def read_new(self) -> int:
        """Read added revocations if a reader waits; return how many."""
        return await self._read() if self._readers else 0

    async def _read(self) -> int:
        begun = self._clock()
        rows = await self._store.since(self._read_until - OVERLAP)
        self._read_until = begun
        new = [row for row in rows if row.id not in self._known]
        now = begun.timestamp()
        self._known = {key: entry for key, entry in self._known.items() if entry[1].expires_at > now}
        for row in new:
            self._last = next(self._numbers)
            self._known[row.id] = self._last, row
        if new:
            self._news.set()
            self._news = asyncio.Event()
        return len(new)

    async def page(self, cursor: str, wait_seconds: float) -> FeedPage:
        """Return revocations after `cursor`, waiting up to `wait_seconds` for the first."""
        self._readers += 1  # before reading, so that later additions are read too
        try:
            await self._read()
            after = self._position(cursor)
            if after is None:
                return self._page_after(0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    while self._last <= after and not self._stopping:
                        await self._news.wait()
            return self._page_after(after)
        finally:
            self._readers -= 1

    def stop(self) -> None:
        """End all waits."""
        self._stopping = True
        self._news.set()

    def _page_after(self, after: int) -> FeedPage:
        newer = [revocation for number, revocation in self._known.values() if number > after]
        return FeedPage(f"{self._instance}.{self._last}", newer)

    def _position(self, cursor: str) -> int | None:
        instance, _, number = cursor.partition(".")
        return int(number) if instance == self._instance and number.isdecimal() else None

"""Clients that wait for changes of an account, and their wake-ups.

A wake-up is a hint that arrives with the events, or earlier from the writer of the journal in this process; the changes
are read from the journal afterwards. A lost wake-up costs only time: the journals of waiting clients are checked once
in a while, all in one call.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import structlog

from docstore_contracts.metadata import MetadataClient, journal_wakeup
from docstore_events.catalogue.event import Event
from docstore_events.catalogue.files import FileAccessChanged, FileEvent, FileMoved, FilePurged, VersionPruned
from docstore_events.catalogue.notifications import NotificationSent
from docstore_events.catalogue.shares import ShareEvent
from docstore_platform.chunks import chunks
from docstore_platform.errors import TooMany
from docstore_platform.security.tokens import Principal
from docstore_platform.tasks import happens_within
from docstore_work.wakeup import Wakeup

log = structlog.get_logger(__name__)

TOPICS = ("files", "shares", "notifications")
NOT_IN_JOURNALS = (FileAccessChanged, FilePurged, VersionPruned)
MAX_NOTIFICATIONS = 32
ACCOUNTS_PER_CALL = 5000


class Waiter:
    """One waiting client. `cursor` is the position it has read; None while that is being determined."""

    __slots__ = ("cursor", "ended", "gone", "notifications", "principal", "woken")

    def __init__(self, principal: Principal, *, with_notifications: bool) -> None:
        self.principal = principal
        self.ended = False
        self.cursor: str | None = None
        self.gone = False
        self.notifications: deque[NotificationSent] | None = None
        if with_notifications:
            self.notifications = deque(maxlen=MAX_NOTIFICATIONS)
        self.woken = asyncio.Event()

    def wake(self) -> None:
        self.woken.set()

    def leave(self) -> None:
        """The client has closed the connection."""
        self.gone = True
        self.wake()

    def end(self) -> None:
        """Its token was revoked."""
        self.ended = True
        self.wake()

    def begin(self) -> None:
        """Clear earlier wake-ups before a read."""
        self.woken.clear()
        self.cursor = None

    async def wait(self, seconds: float) -> bool:
        """Wait for a wake-up; return whether there was one within `seconds`."""
        return await happens_within(seconds, self.woken)


class Waiting:
    """All waiters of this gateway."""

    def __init__(
        self,
        metadata: MetadataClient,
        is_revoked: Callable[[Principal], bool],
        *,
        max_streams: int,
        check_seconds: float,
    ) -> None:
        self._metadata = metadata
        self._is_revoked = is_revoked
        self._max_streams = max_streams
        self._check_seconds = check_seconds
        self._waiters: dict[str, set[Waiter]] = {}
        self._check_now = asyncio.Event()
        self.stopping = False

    def __len__(self) -> int:
        return sum(len(waiters) for waiters in self._waiters.values())

    @contextlib.contextmanager
    def waiter(self, principal: Principal, *, with_notifications: bool = False) -> Iterator[Waiter]:
        """A waiter for the block; 429 if the account has too many."""
        account_id = principal.account_id
        waiters = self._waiters.setdefault(account_id, set())
        if len(waiters) >= self._max_streams:
            raise TooMany(
                f"An account can have at most {self._max_streams} connections that wait for changes.",
                code="too_many_streams",
                retry_after=5,
            )
        waiter = Waiter(principal, with_notifications=with_notifications)
        waiters.add(waiter)
        if self._is_revoked(principal):  # revoked since the call was admitted
            waiter.end()
        written_here = Wakeup([journal_wakeup(account_id)], waiter.woken)
        try:
            yield waiter
        finally:
            written_here.close()
            waiters.discard(waiter)
            if not waiters:
                self._waiters.pop(account_id, None)

    def stop(self) -> None:
        """End every wait, now and from now on."""
        self.stopping = True
        self._wake(list(self._waiters))

    def end_revoked(self, account_ids: Iterable[str]) -> None:
        """End the waits of these accounts whose tokens were revoked."""
        for account_id in account_ids:
            for waiter in self._waiters.get(account_id, ()):
                if self._is_revoked(waiter.principal):
                    waiter.end()

    def check_now(self) -> None:
        """Check the journals without delay, because wake-ups may have been lost."""
        self._check_now.set()

    # --- wake-ups ----------------------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Wake the waiters that an event concerns."""
        if not self._waiters:
            return
        if isinstance(event, FileEvent):
            if not isinstance(event, NOT_IN_JOURNALS):
                before = event.previous_readers if isinstance(event, FileMoved) else ()
                self._wake({event.file.owner_id, *event.file.readers, *before})
        elif isinstance(event, ShareEvent):
            self._wake({event.owner_id, event.account_id or event.owner_id})
        elif isinstance(event, NotificationSent) and event.channel == "in_app":
            self._notify(event)

    def _wake(self, account_ids: Iterable[str]) -> None:
        for account_id in account_ids:
            for waiter in self._waiters.get(account_id, ()):
                waiter.wake()

    def _notify(self, event: NotificationSent) -> None:
        for waiter in self._waiters.get(event.account_id, ()):
            if waiter.notifications is not None:
                waiter.notifications.append(event)
                waiter.wake()

    # --- lost wake-ups -----------------------------------------------------------------------------------

    async def keep_checking(self) -> None:
        """Check for lost wake-ups until cancelled."""
        while True:
            await happens_within(self._check_seconds * random.uniform(0.75, 1.25), self._check_now)
            self._check_now.clear()
            try:
                await self.check()
            except Exception as error:  # noqa: BLE001 - whatever failed, the journals are checked again
                log.info("journal_check_failed", error=repr(error))

    async def check(self) -> None:
        """Wake every waiter that is not at the end of its journal."""
        accounts = [account for account, waiters in self._waiters.items() if any(w.cursor for w in waiters)]
        for chunk in chunks(accounts, ACCOUNTS_PER_CALL):
            heads = await self._metadata.journal_heads(chunk)
            for account, head in heads.items():
                for waiter in self._waiters.get(account, ()):
                    if waiter.cursor not in (None, head):
                        waiter.wake()

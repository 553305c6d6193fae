"""Runs expensive work with bounded concurrency, in turns between requesters."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from docstore_platform.errors import DomainError, TooMany, unavailable
from docstore_platform.security.throttle import client_group

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Requester:
    """Who requests work: a client address and a subject, such as an account or an e-mail."""

    address: str
    subject: str = ""

    @classmethod
    def account(cls, account_id: str, address: str = "") -> "Requester":
        """Return a logged-in requester, bounded by account, whatever the address."""
        return cls(client_group(address) if address else f"account {account_id}", f"account {account_id}")

    @classmethod
    def anonymous(cls, address: str, name: str) -> "Requester":
        """Return an anonymous requester that names an e-mail or a link, counted for itself."""
        group = client_group(address)
        return cls(group, f"{name}\n{group}")


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Limits: `running` concurrently; `waiting` in all, for one address, and for one subject."""

    running: int
    waiting: int
    per_address: int
    per_subject: int


@dataclass(slots=True, eq=False)
class _Job:
    requester: Requester
    started: asyncio.Future[None]


class FairQueue:
    """Round-robin between addresses, and within an address between subjects.

    A requester with many jobs delays only its own: the next job of others starts after at most one job of every other
    address. When the queue is full, the address with the most waiting jobs loses its newest one to an address with
    fewer, so that a few addresses cannot exclude everyone else.
    """

    def __init__(self, limits: QueueLimits, what: str) -> None:
        self._limits = limits
        self._what = what
        self._running = 0
        self._lines: OrderedDict[str, OrderedDict[str, deque[_Job]]] = OrderedDict()
        self._by_address: Counter[str] = Counter()
        self._by_subject: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        return self._by_address.total()

    async def run(self, requester: Requester, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `work` in its turn; 429 with too many of one requester, 503 when full."""
        if self._running < self._limits.running:
            self._running += 1
        else:
            await self._wait_for_turn(requester)
        try:
            return await work()
        finally:
            self._running -= 1
            self._start_next()

    async def _wait_for_turn(self, requester: Requester) -> None:
        self._admit(requester)
        job = _Job(requester, asyncio.get_running_loop().create_future())
        line = self._lines.setdefault(requester.address, OrderedDict())
        line.setdefault(requester.subject, deque()).append(job)
        self._by_address[requester.address] += 1
        self._by_subject[requester.subject] += 1
        try:
            await job.started
        except asyncio.CancelledError:
            if self._is_waiting(job):
                self._remove(job)
            elif not job.started.cancelled() and job.started.exception() is None:  # its turn has just come
                self._running -= 1
                self._start_next()
            raise

    def _admit(self, requester: Requester) -> None:
        limits = self._limits
        of_subject = self._by_subject[requester.subject] if requester.subject else 0
        if self._by_address[requester.address] >= limits.per_address or of_subject >= limits.per_subject:
            raise _too_many(self._what)
        if self.waiting >= limits.waiting:
            self._make_room(requester)

    def _make_room(self, requester: Requester) -> None:
        greediest, count = max(self._by_address.items(), key=lambda item: item[1])
        if count <= self._by_address[requester.address] + 1:
            raise unavailable(self._what)
        longest = max(reversed(self._lines[greediest].values()), key=len)
        displaced = longest[-1]
        self._remove(displaced)
        displaced.started.set_exception(_too_many(self._what))

    def _start_next(self) -> None:
        while self._lines and self._running < self._limits.running:
            line = next(iter(self._lines.values()))
            job = next(iter(line.values()))[0]
            self._remove(job)
            self._take_turn(job.requester)
            if not job.started.done():
                self._running += 1
                job.started.set_result(None)

    def _take_turn(self, requester: Requester) -> None:
        """Move the address, and within it the subject, to the end."""
        line = self._lines.get(requester.address)
        if line is None:
            return
        self._lines.move_to_end(requester.address)
        if requester.subject in line:
            line.move_to_end(requester.subject)

    def _is_waiting(self, job: _Job) -> bool:
        line = self._lines.get(job.requester.address)
        return line is not None and job in line.get(job.requester.subject, ())

    def _remove(self, job: _Job) -> None:
        address, subject = job.requester.address, job.requester.subject
        line = self._lines[address]
        line[subject].remove(job)
        if not line[subject]:
            del line[subject]
        if not line:
            del self._lines[address]
        _decrement(self._by_address, address)
        _decrement(self._by_subject, subject)


def _decrement(counter: Counter[Any], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def _too_many(what: str) -> DomainError:
    detail = f"{what}: too many of your requests are waiting. Try again in a second."
    return TooMany(detail, code="too_many_at_once", retry_after=1)

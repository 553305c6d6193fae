"""Runs expensive work with bounded concurrency, in turns between requesters."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from docstore_platform.errors import DomainError, TooMany, unavailable
from docstore_platform.security.throttle import client_group, client_network

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Requester:
    """Who requests work: a subject, such as an account or an e-mail, at a client address in a network."""

    address: str
    subject: str = ""
    network: str = ""
    """Empty: the address is a network of its own."""

    @classmethod
    def account(cls, account_id: str, address: str = "") -> "Requester":
        """Return a logged-in requester, bounded by account, whatever the address."""
        subject = f"account {account_id}"
        return cls(client_group(address), subject, client_network(address)) if address else cls(subject, subject)

    @classmethod
    def anonymous(cls, address: str, name: str) -> "Requester":
        """Return an anonymous requester that names an e-mail or a link, counted for itself."""
        group = client_group(address)
        return cls(group, f"{name}\n{group}", client_network(address))

    @property
    def places(self) -> tuple[str, str, str]:
        """Network, address and subject, each in the one before."""
        return self.network or self.address, self.address, self.subject


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
    waiting: bool = True


class _Line:
    """Waiting jobs: all of them in lines by network, those of a network by address, and of an address by subject."""

    def __init__(self) -> None:
        self.count = 0
        self.lines: OrderedDict[str, _Line] = OrderedDict()
        self._jobs: deque[_Job] = deque()
        """Of one subject."""

    def add(self, job: _Job, *places: str) -> None:
        self.count += 1
        if places:
            self.lines.setdefault(places[0], _Line()).add(job, *places[1:])
        else:
            self._jobs.append(job)

    def remove(self, job: _Job, *places: str) -> None:
        self.count -= 1
        if not places:
            self._jobs.remove(job)
            return
        line = self.lines[places[0]]
        line.remove(job, *places[1:])
        if not line.count:
            del self.lines[places[0]]

    def count_of(self, *places: str) -> int:
        """Return how many wait at a place."""
        if not places:
            return self.count
        line = self.lines.get(places[0])
        return line.count_of(*places[1:]) if line else 0

    def first(self) -> _Job:
        """Return the job whose turn it is."""
        return next(iter(self.lines.values())).first() if self.lines else self._jobs[0]

    def end_turn(self, *places: str) -> None:
        """Move these places to the end, each in the one before."""
        if places and places[0] in self.lines:
            self.lines.move_to_end(places[0])
            self.lines[places[0]].end_turn(*places[1:])

    def longest(self) -> "_Line":
        return max(reversed(self.lines.values()), key=lambda line: line.count)

    def newest(self) -> _Job:
        """Return the newest job of whoever has most."""
        return self.longest().newest() if self.lines else self._jobs[-1]


class FairQueue:
    """Round-robin between networks, within a network between addresses, and within an address between subjects.

    A requester with many jobs delays only its own: the next job of others starts after at most one job of every other
    network. When the queue is full, the network with the most waiting jobs loses its newest one to a network with
    fewer; within one network, so does an address. Neither a few addresses nor a whole IPv6 network of them can exclude
    everyone else.
    """

    def __init__(self, limits: QueueLimits, what: str) -> None:
        self._limits = limits
        self._what = what
        self._running = 0
        self._line = _Line()
        self._by_subject: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        return self._line.count

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
        self._line.add(job, *requester.places)
        self._by_subject[requester.subject] += 1
        try:
            await job.started
        except asyncio.CancelledError:
            if job.waiting:
                self._remove(job)
            elif not job.started.cancelled() and job.started.exception() is None:  # its turn has just come
                self._running -= 1
                self._start_next()
            raise

    def _admit(self, requester: Requester) -> None:
        limits = self._limits
        of_address = self._line.count_of(*requester.places[:2])
        of_subject = self._by_subject[requester.subject] if requester.subject else 0
        if of_address >= limits.per_address or of_subject >= limits.per_subject:
            raise _too_many(self._what)
        if self.waiting >= limits.waiting:
            self._make_room(requester)

    def _make_room(self, requester: Requester) -> None:
        """Displace a job of the network that has most or, unless it has two more than the requester's own, of the
        address that has most in the requester's network; 503 if none has two more than the requester's."""
        line = self._line
        for place in requester.places[:2]:
            longest = line.longest()
            if longest.count > line.count_of(place) + 1:
                displaced = longest.newest()
                self._remove(displaced)
                displaced.started.set_exception(_too_many(self._what))
                return
            if place not in line.lines:
                break
            line = line.lines[place]
        raise unavailable(self._what)

    def _start_next(self) -> None:
        while self.waiting and self._running < self._limits.running:
            job = self._line.first()
            self._remove(job)
            self._line.end_turn(*job.requester.places)
            if not job.started.done():
                self._running += 1
                job.started.set_result(None)

    def _remove(self, job: _Job) -> None:
        job.waiting = False
        self._line.remove(job, *job.requester.places)
        subject = job.requester.subject
        self._by_subject[subject] -= 1
        if not self._by_subject[subject]:
            del self._by_subject[subject]


def _too_many(what: str) -> DomainError:
    detail = f"{what}: too many of your requests are waiting. Try again in a second."
    return TooMany(detail, code="too_many_at_once", retry_after=1)

"""Use cases of cold storage: notes that contents are read, refuses archived ones, and requests their retrieval."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from docstore_contents.reader import is_blocks
from docstore_metadata.cold_storage.repository import ContentUse, Request, Requests, request_id
from docstore_metadata.cold_storage.rules import ColdPolicy, Retrieval, Use
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Version
from docstore_platform.clock import Clock
from docstore_platform.errors import Unavailable
from docstore_platform.ids import new_id
from docstore_platform.security.tokens import Principal
from docstore_work.wakeup import wake

REMEMBERED = 100_000
"""Contents whose use this instance need not look up."""

Fetch = Callable[[Principal, str, int | None], Awaitable[tuple[Place, Version]]]
"""Finds a version that the caller may read."""


class UsedContents(Protocol):
    """The part of upload's client that knows which contents are archived."""

    async def use_contents(self, keys: Sequence[str]) -> list[str]: ...


@dataclass(slots=True)
class ContentAccess:
    """Every reader of a content asks here first. Costs one look-up and at most one write a day for each content."""

    use: ContentUse
    uploads: UsedContents
    policy: ColdPolicy
    clock: Clock
    _known: OrderedDict[str, datetime] = field(default_factory=OrderedDict)
    """Until when contents need no look-up: the note of an earlier read keeps them from being archived."""

    async def open(self, object_key: str) -> None:
        """Note that a content is read. Raises ContentArchived, Unavailable."""
        if await self.archived_among([object_key]):
            raise self.policy.archived()

    async def archived_among(self, keys: Iterable[str]) -> set[str]:
        """Note that contents are read; returns those that must be retrieved first.

        Raises Unavailable while one of them is being handed over to colder storage: a matter of seconds.
        """
        if not self.policy.is_on:
            return set()
        now = self.clock()
        unknown = [key for key in dict.fromkeys(keys) if self._known.get(key, now) <= now]
        return await self._look_up(unknown, now) if unknown else set()

    async def _look_up(self, keys: Sequence[str], now: datetime) -> set[str]:
        uses = await self.use.of(keys)
        late = [each.key for each in uses if not each.idle and self._is_late(each, now)]
        if late and await self.use.note(late, now) < len(late):
            uses = await self.use.of(keys)  # some were handed over meanwhile
        if any(each.idle and each.read_at is not None for each in uses):
            raise Unavailable("The content is being moved; try again.", retry_after=1)
        doubtful = [each.key for each in uses if each.idle or (is_blocks(each.key) and not each.asked)]
        archived = set(await self.uploads.use_contents(doubtful)) if doubtful else set[str]()
        await self.use.used_again([key for key in doubtful if key not in archived], now)
        unasked = [each.key for each in uses if not each.idle and each.key in doubtful and each.key not in archived]
        if unasked:
            await self.use.note(unasked, now)
        self._remember([each for each in uses if each.key not in archived], now)
        return archived

    def _is_late(self, use: Use, now: datetime) -> bool:
        return use.read_at is None or use.read_at <= now - self.policy.unnoted

    def _remember(self, uses: Sequence[Use], now: datetime) -> None:
        for each in uses:
            noted = now if each.idle or self._is_late(each, now) else each.read_at or now
            self._known[each.key] = noted + self.policy.unnoted
            self._known.move_to_end(each.key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


@dataclass(slots=True)
class RetrievalService:
    """Requests for the retrieval of archived contents, by anyone who may read them."""

    access: ContentAccess
    requests: Requests
    fetch: Fetch
    clock: Clock

    async def look(self, principal: Principal, node_id: str, number: int | None) -> Retrieval:
        """Whether a version can be read, and whether the caller has requested it."""
        place, version = await self.fetch(principal, node_id, number)
        request = await self.requests.find(principal.account_id, place.node.id, version.number)
        if request is not None:
            return self._requested(request)
        archived = await self.access.archived_among([version.object_key])
        return Retrieval(version.number, "archived" if archived else "available")

    async def request(self, principal: Principal, node_id: str, number: int | None) -> Retrieval:
        """Request a version; no effect if it can be read, or is requested already."""
        found = await self.look(principal, node_id, number)
        if found.state != "archived":
            return found
        place, version = await self.fetch(principal, node_id, number)
        request = Request(
            request_id(principal.account_id, place.node.id, version.number),
            new_id(),
            principal.account_id,
            place.node.id,
            version.number,
            version.object_key,
            self.clock(),
        )
        await self.requests.add(request)
        wake(self.requests.wakeup_name)
        return self._requested(request)

    def _requested(self, request: Request) -> Retrieval:
        expected_at = request.requested_at + timedelta(seconds=self.access.policy.estimate)
        return Retrieval(request.number, "requested", request.requested_at, expected_at)

"""Calls as users make them, at a steady rate, without retries: what an experiment does to people."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from docstore_platform.ids import new_id
from docstore_platform.tasks import end_tasks

TIMEOUT_SECONDS = 10.0
PATH = "/chaos-probe.txt"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A call: when it began (monotonic), how long it took, and why it failed; empty if it did not."""

    kind: str
    began: float
    seconds: float
    error: str

    @property
    def ended(self) -> float:
        return self.began + self.seconds


@dataclass(frozen=True, slots=True)
class Felt:
    """What users felt in one phase. Percentiles in seconds, of successful calls."""

    requests: int
    errors: int
    per_second: float
    p50: float | None
    p99: float | None
    error_kinds: Mapping[str, int]


def felt(outcomes: Sequence[Outcome], seconds: float) -> Felt:
    """Summarize the calls of a phase that took so long."""
    good = sorted(each.seconds for each in outcomes if not each.error)
    kinds: dict[str, int] = {}
    for each in outcomes:
        if each.error:
            name = f"{each.kind}: {each.error}"
            kinds[name] = kinds.get(name, 0) + 1
    rate = round(len(outcomes) / seconds, 2) if seconds else 0.0
    percentiles = [round(good[min(len(good) - 1, len(good) * each // 100)], 4) if good else None for each in (50, 99)]
    return Felt(len(outcomes), sum(kinds.values()), rate, percentiles[0], percentiles[1], kinds)


class Probes:
    """Lists files, uploads and downloads in turn, as the administrator; use `running`."""

    def __init__(self, gateway: str, token: str, per_second: float) -> None:
        self._gateway, self._per_second = gateway, per_second
        self._headers = {"authorization": f"Bearer {token}"}
        self._file_id = ""
        self._calls: tuple[tuple[str, Callable[[aiohttp.ClientSession], Awaitable[None]]], ...] = (
            ("list", self._list),
            ("upload", self._upload),
            ("download", self._download),
        )
        self._is_over = False
        self._waiting: dict[object, float] = {}
        """When each call under way began."""
        self.outcomes: list[Outcome] = []

    def begun(self, since: float, until: float) -> list[Outcome]:
        """Return the ended calls that began in this time."""
        return [each for each in self.outcomes if since <= each.began < until]

    def ended(self, since: float) -> list[Outcome]:
        """Return the calls that ended since then."""
        return [each for each in self.outcomes if each.ended >= since]

    def last_bad(self, slow_seconds: float, now: float) -> float:
        """Return until when a call has failed or was slow: `now` if one is waiting so long; 0 if all were good."""
        if self._waiting and now - min(self._waiting.values()) > slow_seconds:
            return now
        return max((each.ended for each in self.outcomes if each.error or each.seconds > slow_seconds), default=0.0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Call until the block ends; then remove the uploaded file. RuntimeError if calls fail already before."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            for name, call in self._calls[1:] + self._calls[:1]:  # the file must be there before it is read
                outcome = await self._one(http, name, call)
                if outcome.error:
                    raise RuntimeError(f"the stack does not work before the experiment: {name}: {outcome.error}")
            calling = asyncio.create_task(self._keep_calling(http))
            try:
                yield
                self._is_over = True
                await calling  # calls under way count, too
            finally:
                await end_tasks([calling])
                await self._clean_up(http)

    async def _keep_calling(self, http: aiohttp.ClientSession) -> None:
        """Begin each call at its time, however long the others take."""
        began, number = time.monotonic(), 0
        async with asyncio.TaskGroup() as group:
            while not self._is_over:
                name, call = self._calls[number % len(self._calls)]
                group.create_task(self._recorded(http, name, call))
                number += 1
                await asyncio.sleep(max(0.0, began + number / self._per_second - time.monotonic()))

    async def _recorded(
        self, http: aiohttp.ClientSession, name: str, call: Callable[[aiohttp.ClientSession], Awaitable[None]]
    ) -> None:
        self.outcomes.append(await self._one(http, name, call))

    async def _one(
        self, http: aiohttp.ClientSession, name: str, call: Callable[[aiohttp.ClientSession], Awaitable[None]]
    ) -> Outcome:
        began, error, this = time.monotonic(), "", object()
        self._waiting[this] = began
        try:
            await call(http)
        except aiohttp.ClientResponseError as refusal:
            error = str(refusal.status)
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            error = type(failure).__name__
        finally:
            del self._waiting[this]
        return Outcome(name, began, time.monotonic() - began, error)

    async def _list(self, http: aiohttp.ClientSession) -> None:
        url = f"{self._gateway}/v1/files"
        async with http.get(url, params={"path": "/"}, headers=self._headers, raise_for_status=True) as response:
            await response.read()

    async def _upload(self, http: aiohttp.ClientSession) -> None:
        content = new_id().encode()
        sha256 = hashlib.sha256(content).hexdigest()
        wanted = {"path": PATH, "size": len(content), "method": "put", "sha256": sha256}
        url = f"{self._gateway}/v1/uploads"
        async with http.post(url, json=wanted, headers=self._headers, raise_for_status=True) as response:
            upload = await response.json()
        put = upload["put"]
        async with http.put(put["url"], data=content, headers=put["headers"], raise_for_status=True):
            pass
        done = f"{url}/{upload['id']}/complete"
        async with http.post(done, json={}, headers=self._headers, raise_for_status=True) as response:
            self._file_id = (await response.json())["id"]

    async def _download(self, http: aiohttp.ClientSession) -> None:
        url = f"{self._gateway}/v1/files/{self._file_id}/content"
        async with http.get(url, headers=self._headers, raise_for_status=True) as response:
            await response.read()

    async def _clean_up(self, http: aiohttp.ClientSession) -> None:
        for path in (f"/v1/files/{self._file_id}", f"/v1/trash/{self._file_id}"):
            try:
                async with http.delete(self._gateway + path, headers=self._headers):
                    continue
            except (aiohttp.ClientError, TimeoutError):
                return

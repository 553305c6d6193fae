"""A fake journal, and clients that wait for its changes."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs

import aiohttp
import orjson
from gateway_calls import Caller, FakeService, Reply, Request

from docstore_events.catalogue.event import Event
from docstore_platform.http.paging import change_cursor, decode_cursor
from docstore_platform.http.problems import Problem
from docstore_platform.testing import eventually


def described(name: str) -> dict[str, Any]:
    """A file as the API describes it."""
    return {
        "id": name,
        "kind": "file",
        "name": name,
        "path": f"/{name}",
        "parent_id": "p",
        "size": 1,
        "version": 1,
        "content_type": "text/plain",
        "sha256": "0" * 64,
        "tags": [],
        "metadata": {},
        "owner_id": "ann",
        "permission": "owner",
        "can_delete": True,
        "created_at": "2026-01-01T00:00:00Z",
        "modified_at": "2026-01-01T00:00:00Z",
        "client_modified_at": None,
        "modified_by": "ann",
        "etag": "1",
        "indexed": False,
        "preview": False,
    }


@dataclass
class FakeJournal:
    """Journals as metadata answers them, of accounts by name. Counts how often it is read."""

    service: FakeService
    bearer: dict[str, str] = field(default_factory=dict)
    entries: dict[str, list[str]] = field(default_factory=dict)
    reads: int = 0
    heads: int = 0
    kept_from: int = 0
    status: int = 200

    async def behave(self, request: Request) -> Reply:
        if request.path == "/internal/journals/heads":
            self.heads += 1
            accounts = orjson.loads(request.body)["accounts"]
            heads = {account: change_cursor(account, len(self.entries.get(account, ()))) for account in accounts}
            return await self._reply({"heads": heads})
        assert request.path == "/v1/changes"
        assert "wait" not in request.query
        self.reads += 1
        if self.status != 200:
            return await self._refuse(Problem(self.status, "invalid_cursor", "Not this time."))
        account = self.bearer[request.header("authorization")]
        entries = self.entries.setdefault(account, [])
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        cursor = query.get("cursor", "")
        after = len(entries) if cursor == "latest" else decode_cursor(cursor, str, int)[1] if cursor else 0
        if after < self.kept_from:
            return await self._refuse(Problem(410, "cursor_expired", "These changes are not kept any more."))
        page = entries[after : after + 2]
        changes = [{"seq": after + n, "type": "created", "file": described(name)} for n, name in enumerate(page, 1)]
        end = after + len(page)
        body = {"changes": changes, "cursor": change_cursor(account, end), "has_more": end < len(entries)}
        return await self._reply(body)

    async def _reply(self, body: Any) -> Reply:
        reply = Reply()
        reply.body = orjson.dumps(body)
        return reply

    async def _refuse(self, problem: Problem) -> Reply:
        reply = await self._reply(problem.body())
        reply.status = problem.status
        reply.headers |= {"content-type": "application/problem+json"}
        return reply


class Waiters:
    """Those who wait at gateways, seen from inside."""

    def number(self, gateway: Caller) -> int:
        return len(gateway.app.state.edge._waiting)

    async def become(self, number: int, *gateways: Caller) -> None:
        """Once so many are registered at each, and have read that there is nothing."""

        async def are_there() -> bool:
            return all(self._settled(gateway) == (number, number) for gateway in gateways)

        await eventually(are_there)

    def _settled(self, gateway: Caller) -> tuple[int, int]:
        waiters = [w for some in gateway.app.state.edge._waiting._waiters.values() for w in some]
        return len(waiters), sum(1 for waiter in waiters if waiter.cursor)

    async def happens(self, fact: Callable[[], Any]) -> None:
        async def has_happened() -> bool:
            return bool(fact())

        await eventually(has_happened)


class Stream:
    """A client of the event stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def next(self) -> dict[str, str]:
        """The next event; comments are passed over, the end is an empty one."""
        event: dict[str, str] = {}
        while line := (await self._response.content.readline()).decode():
            name, _, value = line.rstrip("\n").partition(":")
            if line != "\n":
                event[name] = value.removeprefix(" ")
            elif "event" in event:
                return event
            else:
                event = {}
        return {}

    async def names(self, number: int) -> list[str]:
        return [orjson.loads((await self.next())["data"])["file"]["name"] for _ in range(number)]


class LogIn(Protocol):
    def __call__(self, account: str = "ann", **claims: Any) -> dict[str, str]: ...


class Publish(Protocol):
    async def __call__(self, event: Event) -> None: ...


class OpenStream(Protocol):
    def __call__(self, address: str, headers: dict[str, str], **params: str) -> AbstractAsyncContextManager[Stream]: ...

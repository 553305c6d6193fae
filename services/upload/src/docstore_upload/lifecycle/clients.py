"""Clients of the other services. Responses are returned as they are; a refusal of one item stays with its item."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from docstore_platform.clock import rfc3339
from docstore_platform.problems import Problem

Json = dict[str, Any]
MAX_EVENTS = 1000
"""In one question."""


class Caller(Protocol):
    """A ServiceClient, or what stands in for one."""

    async def call(self, method: str, path: str, body: Any = None) -> Any: ...


def item_problem(result: Json) -> Problem | None:
    """The refusal in one item of a batched answer, if it is one."""
    refused = result.get("problem")
    if refused is None:
        return None
    known = ("status", "code", "detail")
    extra = {name: value for name, value in refused.items() if name not in (*known, "type", "title")}
    return Problem(*(refused[name] for name in known), **extra)


class ServiceClients:
    """Metadata, quota, and the services that acknowledge what follows from an upload."""

    def __init__(self, metadata: Caller, quota: Caller, consumers: Mapping[str, Caller]) -> None:
        self._metadata = metadata
        self._quota = quota
        self._consumers = consumers

    async def check(self, account_id: str, items: Sequence[Json]) -> list[Json]:
        """Where each item would go and whether it may; in order."""
        answer = await self._metadata.call(
            "POST", "/internal/uploads/check", {"account_id": account_id, "items": list(items)}
        )
        return list(answer["results"])

    async def commit(self, items: Sequence[Json]) -> list[Json]:
        """Make each upload a version of its file; in order. Asked again, an upload gets the same answer."""
        return list((await self._metadata.call("POST", "/internal/commits", {"items": list(items)}))["results"])

    async def reserve(
        self, owner_id: str, sizes: Sequence[tuple[str, int]], expires_at: datetime
    ) -> tuple[set[str], Json]:
        """The uploads that fit, of (id, size), and what the account uses now."""
        body = {
            "account_id": owner_id,
            "items": [{"upload_id": upload_id, "size": size} for upload_id, size in sizes],
            "expires_at": rfc3339(expires_at),
        }
        answer = await self._quota.call("POST", "/internal/reservations", body)
        accepted = {result["upload_id"] for result in answer["results"] if result["accepted"]}
        return accepted, dict(answer["usage"])

    async def usage(self, account_id: str) -> Json:
        """What an account uses: `{used, reserved, limit, ...}` in bytes."""
        return dict(await self._quota.call("GET", f"/internal/accounts/{account_id}/usage"))

    async def release(self, owner_id: str, upload_ids: Sequence[str]) -> None:
        body = {"account_id": owner_id, "upload_ids": list(upload_ids)}
        await self._quota.call("POST", "/internal/reservations/release", body)

    async def republish_file_events(self, event_ids: Sequence[str]) -> None:
        """Have metadata publish these again, under their old ids."""
        for some in _batches(event_ids):
            await self._metadata.call("POST", "/internal/events/republish", {"event_ids": some})

    async def settled(self, events: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
        """Of these events, by service, those that it is done with. One that can't be reached has settled nothing."""

        async def ask(name: str) -> set[str]:
            settled: set[str] = set()
            for some in _batches(events[name]):
                try:
                    response = await self._consumers[name].call("POST", "/internal/events/settled", {"event_ids": some})
                except Problem as problem:
                    if problem.status < 500:
                        raise
                    return set()
                settled.update(response["settled"])
            return settled

        return dict(zip(events, await asyncio.gather(*(ask(name) for name in events)), strict=True))


def _batches(event_ids: Sequence[str]) -> list[list[str]]:
    return [list(event_ids[start : start + MAX_EVENTS]) for start in range(0, len(event_ids), MAX_EVENTS)]

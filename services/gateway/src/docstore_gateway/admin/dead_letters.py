"""Dead letters of all services, and republishing of events, for operators."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from docstore_contracts.operations import OperationsClient, Replayed
from docstore_platform.errors import DomainError, not_found
from docstore_platform.http.paging import decode_cursor, encode_cursor

_LETTER_ID = re.compile(r"[A-Za-z0-9._:-]{1,300}")


class DeadLetterService:
    """Lists, replays and discards the dead letters of services, given by name."""

    def __init__(self, clients: Mapping[str, OperationsClient]) -> None:
        self._clients = dict(sorted(clients.items()))

    async def page(self, cursor: str | None, limit: int) -> dict[str, Any]:
        """Return dead letters by service and id. Unavailable services are omitted and named in `unreachable`."""
        first, after = decode_cursor(cursor, str, str) if cursor else ("", "")
        items: list[dict[str, Any]] = []
        unreachable: list[str] = []
        for name, client in self._clients.items():
            if name < first:
                continue
            wanted = limit - len(items) + 1
            start = after if name == first else ""
            try:
                found = await client.dead_letters(start, wanted)
            except DomainError as problem:
                if not problem.is_temporary:
                    raise
                unreachable.append(name)
                continue
            items.extend({**dead_letter, "id": f"{name}:{dead_letter['id']}", "service": name} for dead_letter in found)
            if len(items) > limit:
                break
        more = len(items) > limit
        items = items[:limit]
        next_cursor = encode_cursor(items[-1]["service"], items[-1]["id"].partition(":")[2]) if more else None
        return {"items": items, "next_cursor": next_cursor, "unreachable": unreachable}

    async def replay(self, letter_id: str) -> Replayed:
        """Replay a dead letter and those that wait behind it; 404 if it does not exist."""
        client, own_id = self._find(letter_id)
        return await client.replay_dead_letter(own_id)

    async def discard(self, letter_id: str) -> None:
        """Discard an unreadable dead letter; 404 if it does not exist, 409 if it is readable."""
        client, own_id = self._find(letter_id)
        await client.discard_dead_letter(own_id)

    async def republish(self, since: datetime) -> dict[str, Any]:
        """Republish events sent since a moment; return how many by service. Unavailable ones are in `unreachable`."""
        republished: dict[str, int] = {}
        unreachable: list[str] = []
        for name, client in self._clients.items():
            try:
                republished[name] = await client.republish_events(since=since)
            except DomainError as problem:
                if not problem.is_temporary:
                    raise
                unreachable.append(name)
        return {"republished": republished, "unreachable": unreachable}

    def _find(self, letter_id: str) -> tuple[OperationsClient, str]:
        service, _, own_id = letter_id.partition(":")
        client = self._clients.get(service)
        if client is None or not _LETTER_ID.fullmatch(own_id):
            raise not_found("dead letter")
        return client, own_id

"""Consistency checks of all services, page by page, for operators."""

from collections.abc import Mapping
from typing import Any

from docstore_contracts.consistency import CHECKED_BY, CheckName, ConsistencyClient
from docstore_platform.http.paging import decode_cursor, encode_cursor


class ConsistencyService:
    """Has each check run by its service. Nothing is kept between pages: the cursor is all that a caller needs."""

    def __init__(self, clients: Mapping[str, ConsistencyClient]) -> None:
        self._clients = clients

    def checks(self) -> dict[str, Any]:
        """Return all checks, in the order in which they should run."""
        return {"items": [{"name": name, "service": service} for name, service in CHECKED_BY.items()]}

    async def check(
        self, name: CheckName, cursor: str | None, limit: int, *, repair: bool, checksums: bool
    ) -> dict[str, Any]:
        """Check one page of what a service stores."""
        (after,) = decode_cursor(cursor, str) if cursor else ("",)
        page = await self._clients[CHECKED_BY[name]].check_consistency(
            {"check": name, "after": after, "limit": limit, "repair": repair, "checksums": checksums}
        )
        next_after = page["next_after"]
        return {
            "check": name,
            "checked": page["checked"],
            "unread": page["unread"],
            "findings": page["findings"],
            "next_cursor": encode_cursor(next_after) if next_after else None,
        }

"""Reservations in the quota service."""

from typing import Any

import pytest

from docstore_contracts.quota import QuotaClient
from docstore_metadata.reservations import Reservations
from docstore_platform.errors import OutOfSpace, unavailable


class FakeQuota:
    """Accepts the first `room` items of each call."""

    def __init__(self, room: int, *, release_fails: bool = False) -> None:
        self.room = room
        self.release_fails = release_fails
        self.released: list[str] = []

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        if path.endswith("/release"):
            if self.release_fails:
                raise unavailable("quota")
            self.released += body["upload_ids"]
            return None
        items = enumerate(body["items"])
        results = [{"upload_id": item["upload_id"], "accepted": n < self.room} for n, item in items]
        return {"results": results, "usage": {}}


async def test_reservations_are_all_or_nothing() -> None:
    """If one does not fit, the others are released."""
    reserved = await Reservations(QuotaClient(FakeQuota(3))).reserve("ann", [1, 2, 3])
    assert [one.size for one in reserved] == [1, 2, 3]
    assert len({one.id for one in reserved}) == 3
    quota = FakeQuota(2)
    with pytest.raises(OutOfSpace):
        await Reservations(QuotaClient(quota)).reserve("ann", [1, 2, 3])
    assert len(quota.released) == 2


async def test_reserving_nothing_makes_no_call() -> None:
    """As for a folder without files."""
    assert await Reservations(QuotaClient(FakeQuota(0))).reserve("ann", []) == []


async def test_a_failed_release_is_ignored() -> None:
    """The caller gets the quota error; the reservation expires."""
    with pytest.raises(OutOfSpace):
        await Reservations(QuotaClient(FakeQuota(1, release_fails=True))).reserve("ann", [1, 2])

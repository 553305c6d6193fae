"""Room for copies, asked for at the quota service."""

from typing import Any

import pytest

from docstore_contracts.quota import QuotaClient
from docstore_metadata.errors import OverQuota
from docstore_metadata.reservations import Reservations
from docstore_platform.errors import unavailable


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


async def test_all_or_nothing() -> None:
    """What fits is reserved, each under an id of its own; if one does not fit, the others are given back."""
    reserved = await Reservations(QuotaClient(FakeQuota(3))).reserve("ann", [1, 2, 3])
    assert [one.size for one in reserved] == [1, 2, 3]
    assert len({one.id for one in reserved}) == 3
    quota = FakeQuota(2)
    with pytest.raises(OverQuota):
        await Reservations(QuotaClient(quota)).reserve("ann", [1, 2, 3])
    assert len(quota.released) == 2


async def test_nothing_needs_no_call() -> None:
    """A folder without files reserves nothing."""
    assert await Reservations(QuotaClient(FakeQuota(0))).reserve("ann", []) == []


async def test_a_release_that_fails_is_left_to_expiry() -> None:
    """The answer to the caller is about the quota, not about the release."""
    with pytest.raises(OverQuota):
        await Reservations(QuotaClient(FakeQuota(1, release_fails=True))).reserve("ann", [1, 2])

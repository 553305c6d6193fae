"""Reserves storage in the quota service for copies, which no upload reserves."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from docstore_contracts.quota import QuotaClient, ReservationItem
from docstore_platform.clock import Clock, utc_now
from docstore_platform.errors import DomainError, OutOfSpace
from docstore_platform.ids import new_id

RESERVED_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Committed by the event with its id as `upload_id`."""

    id: str
    size: int


class Reservations:
    """Unused reservations expire after ten minutes."""

    def __init__(self, quota: QuotaClient, clock: Clock = utc_now) -> None:
        self._quota = quota
        self._clock = clock

    async def reserve(self, account_id: str, sizes: Sequence[int]) -> list[Reservation]:
        """Reserve all of `sizes` (bytes), or raise OutOfSpace and reserve none."""
        reservations = [Reservation(new_id(), size) for size in sizes]
        if not reservations:
            return []
        items: list[ReservationItem] = [{"upload_id": wanted.id, "size": wanted.size} for wanted in reservations]
        accepted, _ = await self._quota.reserve(account_id, items, self._clock() + RESERVED_FOR)
        if len(accepted) < len(reservations):
            await self.release(account_id, [wanted for wanted in reservations if wanted.id in accepted])
            raise OutOfSpace("There is not enough room left for this.")
        return reservations

    async def release(self, account_id: str, reservations: Sequence[Reservation]) -> None:
        """Release unused reservations; if that fails, they expire."""
        if not reservations:
            return
        with suppress(DomainError):
            await self._quota.release_reservations(account_id, [reservation.id for reservation in reservations])

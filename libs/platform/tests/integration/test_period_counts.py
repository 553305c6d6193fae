"""Counts of a period, on a real MongoDB."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from docstore_platform.mongodb.client import Mongo
from docstore_platform.security.period_counts import Count, MongoPeriodCounts
from docstore_platform.settings import InfraSettings

pytestmark = pytest.mark.connected

HOUR = timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def counts(infra: InfraSettings, mongo: Mongo, now: list[datetime] | None = None) -> MongoPeriodCounts:
    collection = mongo.database(f"{infra.database_prefix}platform")["counts"]
    return MongoPeriodCounts(collection, HOUR, lambda: now[0]) if now else MongoPeriodCounts(collection, HOUR)


async def test_a_period_begins_with_its_first_and_ends_for_all(infra: InfraSettings, mongo: Mongo) -> None:
    """Numbers go on within the hour, with the time that is left, and begin again after it."""
    now = [START]
    hourly = counts(infra, mongo, now)
    assert await hourly.add("ann") == Count(1, START, START + HOUR)
    now[0] += HOUR / 2
    second = await hourly.add("ann")
    assert (second.number, second.left) == (2, HOUR / 2)
    assert (await hourly.add("bob")).number == 1
    now[0] += HOUR / 2
    assert await hourly.add("ann") == Count(1, START + HOUR, START + 2 * HOUR)


async def test_many_at_once_are_all_counted(infra: InfraSettings, mongo: Mongo) -> None:
    """Twenty concurrent first calls get twenty numbers, by the database's clock; likewise in transactions."""
    hourly = counts(infra, mongo)
    numbers = await asyncio.gather(*(hourly.add("ann") for _ in range(20)))
    assert sorted(one.number for one in numbers) == list(range(1, 21))

    async def in_transaction() -> Count:
        return await mongo.transaction(lambda session: hourly.add("bob", session=session))

    numbers = await asyncio.gather(*(in_transaction() for _ in range(5)))
    assert sorted(one.number for one in numbers) == list(range(1, 6))

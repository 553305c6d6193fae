"""Contents are looked up once a day, noted when that is due, and asked about when upload may have archived them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from docstore_contents.block_list import block_list_key
from docstore_metadata.cold_storage.repository import Idle
from docstore_metadata.cold_storage.rules import ColdPolicy, Use
from docstore_metadata.cold_storage.service import ContentAccess
from docstore_metadata.errors import ContentArchived
from docstore_platform.errors import Unavailable

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEY, OTHER = "accounts/a/uploads/1/content", "accounts/a/uploads/2/content"
BLOCKS = block_list_key("a", "3", "g")


@dataclass
class FakeUse:
    """Uses by key; counts look-ups and notes."""

    uses: dict[str, Use] = field(default_factory=dict)
    looked_up: int = 0
    noted: int = 0
    handed_over_meanwhile: str = ""
    """A content that is marked between the look-up and the note."""

    async def of(self, keys: Sequence[str]) -> list[Use]:
        self.looked_up += 1
        return [self.uses[key] for key in keys if key in self.uses]

    async def note(self, keys: Sequence[str], now: datetime) -> int:
        if self.handed_over_meanwhile:
            found = self.uses[self.handed_over_meanwhile]
            self.uses[found.key], self.handed_over_meanwhile = replace(found, idle=True), ""
        used = [key for key in keys if not self.uses[key].idle]
        self.uses |= {key: Use(key, now, idle=False, asked=True) for key in used}
        self.noted += len(used)
        return len(used)

    async def used_again(self, keys: Sequence[str], now: datetime) -> None:
        handed_over = [key for key in keys if self.uses[key].idle]
        self.uses |= {key: Use(key, now, idle=False, asked=True) for key in handed_over}

    async def claim_idle(self, limit: int) -> list[Idle]:
        raise NotImplementedError

    async def handed_over(self, idle: Sequence[Idle]) -> None:
        raise NotImplementedError


@dataclass
class FakeUploads:
    archived: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    async def use_contents(self, keys: Sequence[str]) -> list[str]:
        self.asked += keys
        return [key for key in keys if key in self.archived]


class World:
    def __init__(self, *uses: Use, storage_class: str = "GLACIER", days: float = 90) -> None:
        self.use, self.uploads = FakeUse({each.key: each for each in uses}), FakeUploads()
        self.now = NOW
        policy = ColdPolicy(storage_class, "Standard", timedelta(days=days))
        self.access = ContentAccess(self.use, self.uploads, policy, lambda: self.now)


def use(key: str = KEY, days_ago: float | None = 0, *, idle: bool = False, asked: bool = False) -> Use:
    return Use(key, None if days_ago is None else NOW - timedelta(days=days_ago), idle=idle, asked=asked)


async def test_without_cold_storage_nothing_is_looked_up() -> None:
    """The default costs nothing."""
    world = World(storage_class="")
    await world.access.open(KEY)
    assert (world.use.looked_up, world.uploads.asked) == (0, [])


async def test_a_day_of_reads_costs_one_look_up_and_one_note() -> None:
    """The note is due a day after the last one; what was noted less than a day ago is only looked up."""
    world = World(use(days_ago=0.5), use(OTHER, days_ago=2))
    for _ in range(3):
        assert await world.access.archived_among([KEY, OTHER, KEY]) == set()
    assert (world.use.looked_up, world.use.noted) == (1, 1)
    world.now += timedelta(days=0.6)
    await world.access.open(OTHER)
    assert (world.use.looked_up, world.use.noted) == (1, 1)
    await world.access.open(KEY)
    assert (world.use.looked_up, world.use.noted) == (2, 2)
    assert world.uploads.asked == []


async def test_an_archived_content_is_refused_until_retrieved() -> None:
    """It is in use again, or refused each time until it was retrieved."""
    world = World(use(days_ago=None, idle=True), use(OTHER, days_ago=None, idle=True))
    world.uploads.archived = {KEY}
    for _ in range(2):
        assert await world.access.archived_among([KEY, OTHER]) == {KEY}
    assert world.uploads.asked == [KEY, OTHER, KEY]
    with pytest.raises(ContentArchived) as refused:
        await world.access.open(KEY)
    assert refused.value.extra == {"estimate_seconds": 5 * 3600}
    assert "5 hours" in refused.value.detail
    world.uploads.archived = set()
    await world.access.open(KEY)
    assert not world.use.uses[KEY].idle


@pytest.mark.parametrize("meanwhile", [False, True])
async def test_reads_are_refused_while_a_content_moves_to_the_archive(meanwhile: bool) -> None:
    """Also if that begins between the look-up and the note: no one gets a URL that the store would soon refuse."""
    world = World(use(days_ago=100, idle=not meanwhile))
    world.use.handed_over_meanwhile = KEY if meanwhile else ""
    with pytest.raises(Unavailable):
        await world.access.open(KEY)


async def test_new_blocks_are_asked_about_once() -> None:
    """An upload may have used archived blocks."""
    world = World(use(BLOCKS))
    world.uploads.archived = {BLOCKS}
    assert await world.access.archived_among([BLOCKS]) == {BLOCKS}
    world.uploads.archived = set()
    await world.access.open(BLOCKS)
    world.now += timedelta(days=5)
    await world.access.open(BLOCKS)
    assert world.uploads.asked == [BLOCKS] * 2


@pytest.mark.parametrize(("days", "unnoted", "age"), [(90, 1.0, 91.0), (5, 0.5, 5.5)])
def test_nothing_is_unused_before_the_period_is_over(days: float, unnoted: float, age: float) -> None:
    """Reads that are not noted count as well."""
    policy = ColdPolicy("GLACIER", "Bulk", timedelta(days=days))
    assert (policy.unnoted, policy.age) == (timedelta(days=unnoted), timedelta(days=age))

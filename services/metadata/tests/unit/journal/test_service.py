"""The change feed on a fake journal: pages and cursors."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
import pytest

from docstore_metadata.journal.repository import Entry
from docstore_metadata.journal.service import LATEST, ChangeFeed
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of


@dataclass
class FakeJournal:
    kept: dict[str, list[Entry]] = field(default_factory=dict)

    def add(self, account_id: str, first: int, last: int) -> None:
        self.kept[account_id] = [Entry(number, "created", b'{"id":"f"}') for number in range(first, last + 1)]

    async def heads(self, account_ids: Sequence[str]) -> dict[str, int]:
        return {each: self.kept[each][-1].sequence for each in account_ids if each in self.kept}

    async def epoch(self, account_id: str) -> str:
        return ""

    async def entries(self, account_id: str, after: int, last: int, limit: int) -> list[Entry]:
        return [entry for entry in self.kept[account_id] if after < entry.sequence <= last][:limit]


@pytest.fixture
def journal() -> FakeJournal:
    journal = FakeJournal()
    journal.add("ann", 1, 5)
    return journal


async def test_pages_contain_each_entry_once_in_order(journal: FakeJournal) -> None:
    """The last page has no more."""
    feed, cursor, seen, pages = ChangeFeed(journal), None, [], []
    while not pages or pages[-1]["has_more"]:
        page = await feed.page("ann", cursor, 2)
        pages.append(orjson.loads(page.body))
        seen += [change["seq"] for change in pages[-1]["changes"]]
        cursor = page.cursor
    assert seen == [1, 2, 3, 4, 5]
    assert [page["has_more"] for page in pages] == [True, True, False]
    assert orjson.loads((await feed.page("ann", cursor, 2)).body)["changes"] == []


async def test_latest_is_behind_the_last_change(journal: FakeJournal) -> None:
    """Only later changes follow; also for an account without changes."""
    feed = ChangeFeed(journal)
    page = await feed.page("ann", LATEST, 10)
    assert page.cursor == await feed.latest("ann")
    assert orjson.loads((await feed.page("bob", LATEST, 10)).body)["changes"] == []
    journal.add("ann", 1, 6)
    assert [change["seq"] for change in orjson.loads((await feed.page("ann", page.cursor, 10)).body)["changes"]] == [6]


async def test_a_gap_in_the_numbers_is_410(journal: FakeJournal) -> None:
    """Expired entries, and a restored backup with fewer entries."""
    feed = ChangeFeed(journal)
    cursor = (await feed.page("ann", None, 2)).cursor
    journal.add("ann", 4, 5)
    for broken in (lambda: journal.add("ann", 4, 5), lambda: journal.add("ann", 1, 1)):
        broken()
        with pytest.raises(DomainError) as refused:
            await feed.page("ann", cursor, 10)
        assert (problem_of(refused.value).status, refused.value.code) == (410, "cursor_expired")


async def test_a_cursor_of_another_account_is_refused(journal: FakeJournal) -> None:
    """422, without information about the journal."""
    feed = ChangeFeed(journal)
    cursor = (await feed.page("ann", None, 2)).cursor
    with pytest.raises(DomainError) as refused:
        await feed.page("bob", cursor, 10)
    assert refused.value.code == "invalid_cursor"

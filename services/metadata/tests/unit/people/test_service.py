"""What people are called, asked for once for many."""

from collections.abc import Iterable

import pytest

from docstore_metadata.people import service as module
from docstore_metadata.people.service import DisplayNames


class Store:
    def __init__(self) -> None:
        self.known = {"ada": "Ada", "bob": "Bob"}
        self.asked: list[set[str]] = []

    async def names_of(self, account_ids: Iterable[str]) -> dict[str, str]:
        ids = set(account_ids)
        self.asked.append(ids)
        return {each: self.known[each] for each in ids if each in self.known}


async def test_many_are_asked_for_at_once_and_not_again() -> None:
    """One query an answer, with those only that were not asked for just now, known or not; who is missed is told."""
    store, missed = Store(), list[set[str]]()
    names = DisplayNames(store, lambda ids: missed.append(set(ids)))
    assert await names.of(["ada", "eve", "ada"]) == {"ada": "Ada"}
    assert await names.of(["ada", "eve"]) == {"ada": "Ada"}
    assert await names.of(["ada", "bob", "eve"]) == {"ada": "Ada", "bob": "Bob"}
    assert store.asked == [{"ada", "eve"}, {"bob"}]
    assert missed == [{"eve"}]


async def test_a_new_name_shows_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is good for a while only, and never more than so much."""
    store = Store()
    names = DisplayNames(store, lambda _: None)
    now = 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    monkeypatch.setattr(module, "MAX_KEPT", 1)
    assert await names.of(["ada"]) == {"ada": "Ada"}
    store.known["ada"] = "Countess"
    assert await names.of(["ada"]) == {"ada": "Ada"}
    now += module.GOOD_SECONDS
    assert await names.of(["ada"]) == {"ada": "Countess"}
    assert await names.of(["bob"]) == {"bob": "Bob"}
    assert await names.of(["ada"]) == {"ada": "Countess"}
    assert len(store.asked) == 4
    assert await names.of(["eve"]) == {}
    store.known["eve"] = "Eve"
    assert await names.of(["eve"]) == {}
    now += module.GOOD_SECONDS
    assert await names.of(["eve"]) == {"eve": "Eve"}

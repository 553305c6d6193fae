"""Display names: queries and cache."""

from collections.abc import Iterable

import pytest

from docstore_metadata import display_names as module
from docstore_metadata.display_names import DisplayNames


class Store:
    def __init__(self) -> None:
        self.known = {"ada": "Ada", "bob": "Bob"}
        self.requested: list[set[str]] = []

    async def names_of(self, account_ids: Iterable[str]) -> dict[str, str]:
        ids = set(account_ids)
        self.requested.append(ids)
        return {each: self.known[each] for each in ids if each in self.known}


async def test_names_are_read_in_one_query_and_cached() -> None:
    """Known or not; unknown people are looked up."""
    store, missed = Store(), list[set[str]]()
    names = DisplayNames(store.names_of, lambda ids: missed.append(set(ids)))
    assert await names.of(["ada", "eve", "ada"]) == {"ada": "Ada"}
    assert await names.of(["ada", "eve"]) == {"ada": "Ada"}
    assert await names.of(["ada", "bob", "eve"]) == {"ada": "Ada", "bob": "Bob"}
    assert store.requested == [{"ada", "eve"}, {"bob"}]
    assert missed == [{"eve"}]


async def test_a_new_name_is_shown_after_the_cache_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is limited in time and size."""
    store = Store()
    names = DisplayNames(store.names_of, lambda _: None)
    now = 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    monkeypatch.setattr(module, "MAX_CACHED", 1)
    assert await names.of(["ada"]) == {"ada": "Ada"}
    store.known["ada"] = "Countess"
    assert await names.of(["ada"]) == {"ada": "Ada"}
    now += module.CACHED_SECONDS
    assert await names.of(["ada"]) == {"ada": "Countess"}
    assert await names.of(["bob"]) == {"bob": "Bob"}
    assert await names.of(["ada"]) == {"ada": "Countess"}
    assert len(store.requested) == 4
    assert await names.of(["eve"]) == {}
    store.known["eve"] = "Eve"
    assert await names.of(["eve"]) == {}
    now += module.CACHED_SECONDS
    assert await names.of(["eve"]) == {"eve": "Eve"}

"""What of the engine's hits is shown."""

from typing import Literal

import pytest
from indexer_fakes import FakeAccounts, FakeEngine, FakeMetadata, a_file, an_entry

from docstore_indexer.engines.engine import EngineFailed, Hit, SearchHits, SearchQuery
from docstore_indexer.indexing.index_order import document_of
from docstore_indexer.search.service import Search
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of


def page(*hits: Hit, total: int | None = None, next_cursor: str | None = None) -> SearchHits:
    return SearchHits(hits, len(hits) if total is None else total, next_cursor)


class Owner:
    """The accounts service, which knows a plan before anyone else."""

    def __init__(self, plan: str = "free") -> None:
        self.plan = plan

    async def plan_of(self, account_id: str) -> tuple[str, int]:
        return self.plan, 2


def shown(
    engine: FakeEngine, metadata: FakeMetadata, accounts: FakeAccounts | None = None, owner: Owner | None = None
) -> Search:
    return Search(engine, metadata, accounts or FakeAccounts(), owner or Owner())  # type: ignore[arg-type]


async def test_only_what_metadata_shows_the_caller_is_shown() -> None:
    """Hits in the trash or unknown to metadata are in no item and not in the total."""
    metadata = FakeMetadata({"a": a_file("a"), "b": a_file("b", trashed=True)})
    engine = FakeEngine(pages=[page(*(Hit(key, 1, 1.0, None) for key in "abc"))])
    found = await shown(engine, metadata).search(SearchQuery("ann", "x"))
    assert ([item["file"]["id"] for item in found.items], found.total) == (["a"], 1)


async def test_a_hit_in_an_old_version_is_none_by_content_and_has_no_snippet_by_name() -> None:
    """The words may be gone from the file; its name may be as well, but the file is the caller's to see."""
    metadata = FakeMetadata({"a": a_file("a", version=2)})
    old = Hit("a", 1, 1.0, "<mark>old</mark>")
    by_content = await shown(FakeEngine(pages=[page(old)]), metadata).search(SearchQuery("ann", "x", "content"))
    assert (by_content.items, by_content.total) == ([], 0)
    by_name = await shown(FakeEngine(pages=[page(old)]), metadata).search(SearchQuery("ann", "x"))
    assert [item["snippet"] for item in by_name.items] == [None]


async def test_a_page_without_anything_to_show_is_skipped() -> None:
    """The caller gets the next page that has something, and its cursor."""
    metadata = FakeMetadata({"b": a_file("b")})
    trashed = page(Hit("a", 1, 1.0, None), total=3, next_cursor="1")
    engine = FakeEngine(pages=[trashed, trashed, page(Hit("b", 1, 1.0, None), total=3, next_cursor="2")])
    found = await shown(engine, metadata).search(SearchQuery("ann", "x"))
    assert ([item["file"]["id"] for item in found.items], found.next_cursor) == (["b"], "2")
    assert [query.cursor for query in engine.queries if not query.of_others] == [None, None, "1"]


async def test_the_total_counts_no_file_that_was_shared_until_a_moment_ago() -> None:
    """Also not on a page that is not shown: the index still has Ann among its readers, metadata does not."""
    files = {f"own{n}": a_file(f"own{n}") for n in range(2)}
    files |= {f"shared{n}": a_file(f"shared{n}", owner_id="bob", readers=("ann",)) for n in range(2)}
    gone = {f"gone{n}": a_file(f"gone{n}", owner_id="bob", readers=("ann",)) for n in range(3)}
    engine = FakeEngine({key: document_of(an_entry(file), None) for key, file in {**files, **gone}.items()})
    hits = [Hit("gone0", 1, 1.0, None), Hit("own0", 1, 1.0, None), Hit("own-trashed", 1, 1.0, None)]
    engine.pages = [page(*hits, total=8, next_cursor="3")] * 2
    found = await shown(engine, FakeMetadata(files)).search(SearchQuery("ann", "x"))
    assert ([item["file"]["id"] for item in found.items], found.total) == (["own0"], 4)


@pytest.mark.parametrize("scope", ["name", "content"])
async def test_the_total_counts_no_file_that_the_index_drops_between_two_looks(
    scope: Literal["name", "content"],
) -> None:
    """The page was of the index before a share was revoked, the look at files of others is of the one after it."""
    own = a_file("own")
    engine = FakeEngine({"own": document_of(an_entry(own), None)})
    engine.pages = [page(Hit("own", 1, 1.0, None), Hit("gone", 1, 1.0, None), total=25, next_cursor="2")]
    found = await shown(engine, FakeMetadata({"own": own})).search(SearchQuery("ann", "x", scope))
    assert ([item["file"]["id"] for item in found.items], found.total, found.next_cursor) == (["own"], 1, None)


async def test_content_is_for_premium() -> None:
    """On the free plan the engine is not even asked."""
    engine = FakeEngine()
    with pytest.raises(DomainError) as refusal:
        await shown(engine, FakeMetadata(), FakeAccounts("free")).search(SearchQuery("ann", "x", "content"))
    assert (problem_of(refusal.value).status, refusal.value.code, engine.queries) == (403, "premium_required", [])


async def test_a_plan_ahead_of_its_event_counts_before_a_refusal() -> None:
    """Who has just moved to premium is not refused for want of an event that is still under way."""
    search = shown(FakeEngine(pages=[page()]), FakeMetadata(), FakeAccounts("free"), Owner("premium"))
    assert (await search.search(SearchQuery("ann", "x", "content"))).items == []


async def test_an_index_that_fails_is_unavailable() -> None:
    """503, so that the client tries again."""

    class Broken(FakeEngine):
        async def search(self, query: SearchQuery) -> SearchHits:
            raise EngineFailed("broken")

    with pytest.raises(DomainError) as refusal:
        await shown(Broken(), FakeMetadata()).search(SearchQuery("ann", "x"))
    assert problem_of(refusal.value).status == 503


async def test_a_text_behind_a_watermark_is_not_found_by_its_words() -> None:
    """Neither shown nor counted; by its name it is, without a snippet."""
    files = {key: a_file(key, owner_id="bob", readers=("ann",)) for key in "ab"}
    metadata = FakeMetadata(files, watermarks={"a": "for Ann"})
    hits = [Hit(key, 1, 1.0, "<mark>x</mark>") for key in "ab"]
    engine = FakeEngine({key: document_of(an_entry(file), None) for key, file in files.items()}, pages=[page(*hits)])
    by_content = await shown(engine, metadata).search(SearchQuery("ann", "x", "content"))
    assert ([item["file"]["id"] for item in by_content.items], by_content.total) == (["b"], 1)
    by_name = await shown(FakeEngine(pages=[page(*hits)]), metadata).search(SearchQuery("ann", "x"))
    assert [item["snippet"] for item in by_name.items] == [None, "<mark>x</mark>"]


async def test_a_page_reveals_no_text_behind_a_watermark() -> None:
    """The engine is asked again without it: its position, a shorter page and a cursor would reveal its words."""
    files = {"own": a_file("own"), "a": a_file("a", owner_id="bob", readers=("ann",))}
    engine = FakeEngine({key: document_of(an_entry(file), None) for key, file in files.items()})
    engine.pages = [page(Hit("a", 1, 1.0, None), total=2, next_cursor="1")]
    metadata = FakeMetadata(files, watermarks={"a": "for Ann"})
    found = await shown(engine, metadata).search(SearchQuery("ann", "x", "content", limit=1))
    assert ([item["file"]["id"] for item in found.items], found.total, found.next_cursor) == (["own"], 1, None)
    assert engine.queries[-1].shared == frozenset()

"""What is OpenSearch's own: several processes on one index, and a cluster that comes and goes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from opensearch_nodes import engine_of, running_node
from search_engine_contract import document, found, put

from docstore_indexer.engines.engine import EngineFailed, Opened, SearchQuery
from docstore_indexer.engines.languages import EAST_ASIAN
from docstore_indexer.engines.opensearch.client import OpenSearchClient
from docstore_indexer.engines.opensearch.engine import REBUILD_REFRESH_MS, OpenSearchEngine
from docstore_indexer.engines.opensearch.schema import Layout
from docstore_indexer.engines.tantivy.schema import ANALYZERS
from docstore_indexer.engines.terms import EXCERPT_CHARS, normal
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.opensearch


@pytest.fixture
def name() -> str:
    return f"t{new_id()}"


@pytest.fixture
async def client(opensearch_url: str) -> AsyncIterator[OpenSearchClient]:
    client = OpenSearchClient(opensearch_url)
    yield client
    await client.close()


@pytest.fixture
async def one(opensearch_url: str, name: str) -> AsyncIterator[OpenSearchEngine]:
    engine = engine_of(opensearch_url, name)
    await engine.open()
    yield engine
    await engine.close()


@pytest.fixture
async def other(opensearch_url: str, name: str, one: OpenSearchEngine) -> AsyncIterator[OpenSearchEngine]:
    """Another instance on the same index."""
    engine = engine_of(opensearch_url, name)
    await engine.open()
    yield engine
    await engine.close()


async def indexes(client: OpenSearchClient, name: str) -> list[str]:
    return sorted(await client.call("GET", f"/{name}--*/_alias"))


async def test_the_older_of_two_instances_writes_loses(one: OpenSearchEngine, other: OpenSearchEngine) -> None:
    """However late it comes: after a newer state, and after the file's removal; nor does its removal come late."""
    await put(one, document("f1", "newer", change=3), document("f3", "back again", change=9))
    await one.delete({"f2": 7})
    await one.flush()
    await put(other, document("f1", "older", change=2), document("f2", "zombie", change=6))
    await other.delete({"f3": 8})
    await other.flush()
    assert await found(one, "newer") == ["f1"]
    assert await found(one, "older") == await found(one, "zombie") == []
    assert await found(one, "back") == ["f3"]


async def test_a_doubled_write_of_the_name_does_not_take_the_text(
    one: OpenSearchEngine, other: OpenSearchEngine
) -> None:
    """Of one change a file is put by its name first, then with its text: in whichever order they arrive."""
    await put(one, document("f1", "letter", "zebra", change=4))
    await put(other, document("f1", "letter", None, change=4))
    assert await found(other, "zebra", scope="content") == ["f1"]


async def test_writes_of_all_instances_reach_the_index_in_the_making(
    one: OpenSearchEngine, other: OpenSearchEngine
) -> None:
    """One rebuilds, the other writes and removes meanwhile: afterwards both find the same, and what was written."""
    await put(one, document("kept"), document("gone"), document("stale"))
    await one.begin_rebuild()
    await put(other, document("live"))
    await other.delete({"gone": 2})
    await other.flush()
    await one.add_to_rebuild([document("kept"), document("gone")])
    await one.finish_rebuild()
    await put(other, document("later"))
    for engine in (one, other):
        assert sorted(await found(engine)) == ["kept", "later", "live"]


async def test_a_rebuild_that_was_taken_over_changes_nothing(
    one: OpenSearchEngine, other: OpenSearchEngine, client: OpenSearchClient, name: str
) -> None:
    """An instance that lost the job can neither let its index serve nor remove the one of its successor."""
    await put(one, document("f1"))
    await one.begin_rebuild()
    await other.begin_rebuild()
    await one.add_to_rebuild([document("f1")])
    with pytest.raises(EngineFailed):
        await one.finish_rebuild()
    await one.abandon_rebuild()
    await other.add_to_rebuild([document("f1"), document("f2")])
    await other.finish_rebuild()
    assert sorted(await found(one)) == ["f1", "f2"]
    assert len(await indexes(client, name)) == 1


async def test_searching_while_indexes_change_places_always_finds_everything(
    one: OpenSearchEngine, other: OpenSearchEngine, client: OpenSearchClient, name: str
) -> None:
    """Rebuild after rebuild by one instance, writes and searches by the other: no search finds less, none fails."""
    documents = [document(f"f{number:03}", text="walrus") for number in range(50)]
    await put(one, *documents)
    totals: list[int] = []
    done = asyncio.Event()

    async def search() -> None:
        while not done.is_set():
            totals.append((await other.search(SearchQuery("ann", "walrus", "content", limit=5))).total)

    async def write() -> None:
        while not done.is_set():
            await put(other, documents[0])

    at_work = [asyncio.create_task(work()) for work in (search, search, write)]
    for _ in range(6):
        await one.begin_rebuild()
        await one.add_to_rebuild(documents)
        await one.finish_rebuild()
    done.set()
    await asyncio.gather(*at_work)
    assert set(totals) == {50}
    assert len(await indexes(client, name)) == 1


async def test_an_index_reports_whether_it_must_be_built(opensearch_url: str, name: str) -> None:
    """New at first, unfinished until a rebuild has ended, then complete."""
    for reason in ("new", "unfinished"):
        engine = engine_of(opensearch_url, name)
        assert await engine.open() == Opened(True, "new" if reason == "new" else "unfinished")
        await engine.begin_rebuild()
        await engine.close()
    engine = engine_of(opensearch_url, name)
    await engine.open()
    await engine.begin_rebuild()
    await engine.finish_rebuild()
    await engine.close()
    engine = engine_of(opensearch_url, name)
    assert await engine.open() == Opened(False, "complete")
    await engine.close()


async def test_instances_that_start_at_once_make_one_index(
    opensearch_url: str, name: str, client: OpenSearchClient
) -> None:
    """Whoever comes second takes what the first has made."""
    engines = [engine_of(opensearch_url, name) for _ in range(4)]
    opened = await asyncio.gather(*(engine.open() for engine in engines))
    assert all(one.rebuild_needed for one in opened)
    assert len(await indexes(client, name)) == 1
    for engine in engines:
        await engine.close()


async def test_an_index_of_another_schema_serves_until_it_is_replaced(
    opensearch_url: str, name: str, one: OpenSearchEngine, client: OpenSearchClient
) -> None:
    """An upgrade that changes how files lie in the index leads to a rebuild, and search goes on meanwhile."""
    await put(one, document("f1"))
    await client.call("PUT", f"/{name}/_mapping", {"_meta": {"schema": 0, "complete": True}})
    newer = engine_of(opensearch_url, name)
    assert await newer.open() == Opened(True, "outdated")
    assert await found(newer) == ["f1"]
    await newer.begin_rebuild()
    await newer.add_to_rebuild([document("f1")])
    await newer.finish_rebuild()
    await newer.close()
    assert await found(one) == ["f1"]


async def test_leftovers_of_a_dead_instance_are_removed(
    opensearch_url: str, name: str, one: OpenSearchEngine, client: OpenSearchClient
) -> None:
    """Its half-made index goes with the next rebuild; so does an index that a late write has made by itself."""
    dead = engine_of(opensearch_url, name)
    await dead.open()
    await dead.begin_rebuild()
    await client.call("PUT", f"/{name}--by-mistake", {})
    assert len(await indexes(client, name)) == 3
    await one.begin_rebuild()
    await one.finish_rebuild()
    assert len(await indexes(client, name)) == 1
    await dead.close()


async def test_an_index_in_the_making_that_takes_no_writes_ends_with_the_next_rebuild(
    one: OpenSearchEngine, other: OpenSearchEngine, client: OpenSearchClient, name: str
) -> None:
    """Its only copy is lost, and whoever made it is dead: writes wait for the next rebuild, and must not stop it."""
    await other.begin_rebuild()
    await client.call("PUT", f"/{name}-next/_settings", {"index.blocks.write": True})
    await one.upsert([document("f1")])
    with pytest.raises(EngineFailed):
        await one.flush()
    await one.begin_rebuild()
    assert await found(one) == ["f1"]
    await one.add_to_rebuild([document("f1"), document("f2")])
    assert await one.finish_rebuild()
    assert sorted(await found(one)) == ["f1", "f2"]


async def test_an_index_in_the_making_has_no_copies_until_it_is_full(
    opensearch_url: str, name: str, client: OpenSearchClient
) -> None:
    """Filling several copies costs several times as much; when it serves, it has the layout of any other index."""
    layout = Layout(replicas=1, refresh_ms=70)
    engine = OpenSearchEngine(OpenSearchClient(opensearch_url), name, layout, commit_ms=0)

    async def copies_and_refresh(alias: str) -> tuple[str, str]:
        (found,) = (await client.call("GET", f"/{alias}/_settings")).values()
        return found["settings"]["index"]["number_of_replicas"], found["settings"]["index"]["refresh_interval"]

    await engine.open()
    first = await copies_and_refresh(name)
    await engine.begin_rebuild()
    assert await copies_and_refresh(f"{name}-next") == ("0", f"{REBUILD_REFRESH_MS}ms")
    assert await engine.finish_rebuild()
    assert await copies_and_refresh(name) == first == ("1", "70ms")
    await engine.close()


TEXTS = (
    "The committees' quarterly MEETINGS at the Café Zürich, generously: news, skies & dying innings.",
    "Łódź Straße naïve ﬁne ｆｕｌｌ x² Ⅷ 年度報告書 ไทย हिन्दी can't O'Neill's under_score e-mail 3.14",
    "Die Häuser größerer Städte liegen an den Flüssen; les chevaux nationaux étaient généreusement logés.",
    "As nações trabalhavam felizmente; las canciones cantábamos; le città bellissime andavano; de huizen stonden.",
    "다음주 회의에서 カメラとiPhone15を 我们在图书馆 スター・ウォーズ",
    "a" * 79 + " " + "b" * 80,
)


@pytest.mark.parametrize("analyzer", ["stemmed", EAST_ASIAN])
@pytest.mark.parametrize("text", TEXTS)
async def test_a_text_has_the_same_words_in_both_engines(
    one: OpenSearchEngine, client: OpenSearchClient, name: str, text: str, analyzer: str
) -> None:
    """Umlauts, accents, other scripts, inflections, signs and very long words.

    Endings of other languages are those of two versions of Snowball, which differ in rare words.
    """
    body = {"analyzer": analyzer, "text": normal(text)}
    answer = await client.call("POST", f"/{name}/_analyze", body)
    assert [token["token"] for token in answer["tokens"]] == ANALYZERS[analyzer].analyze(normal(text))


async def test_a_long_text_is_searched_to_its_end(one: OpenSearchEngine) -> None:
    """Beyond what is kept for snippets, and across the cut."""
    filler = "word " * (EXCERPT_CHARS // 5)
    await put(one, document("f1", text=filler[:-5] + "big red house " + filler + "zebra"))
    for query in ("zebra", '"big red house"', "house zebra"):
        assert await found(one, query, scope="content") == ["f1"]
    [hit] = (await one.search(SearchQuery("ann", "zebra", "content"))).hits
    assert hit.snippet is not None
    assert hit.snippet.startswith("word word")


@pytest.mark.faults
async def test_a_killed_node_loses_nothing(tmp_path: Path, name: str) -> None:
    """Killed between writes: what was flushed is there again, what was accepted meanwhile comes when it is."""
    async with running_node(tmp_path) as node:
        engine = engine_of(node.url, name)
        await engine.open()
        await put(engine, document("before"))
        await node.kill()
        await engine.upsert([document("meanwhile")])
        with pytest.raises(EngineFailed):
            await engine.flush()
        with pytest.raises(EngineFailed):
            await engine.search(SearchQuery("ann"))
        await node.start()

        async def both() -> bool:
            return sorted(await found(engine)) == ["before", "meanwhile"]

        await eventually(both)
        await engine.close()


async def test_a_cluster_that_is_down_is_reported_at_once(name: str) -> None:
    """The service does not start without its index."""
    engine = engine_of("http://127.0.0.1:1", name)
    with pytest.raises(EngineFailed, match="is unreachable"):
        await engine.open()
    await engine.close()

"""What every search engine must do. A test module of an engine imports all of it and defines the fixture `engine`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docstore_indexer.engines.engine import IndexedDocument, SearchEngine, SearchQuery, Stored
from docstore_platform.errors import DomainError
from docstore_platform.security.cipher import Cipher

CIPHER = Cipher("texts", "secret")
T0 = datetime(2026, 11, 1, 12, tzinfo=UTC)


def document(file_id: str, name: str = "notes.txt", text: str | None = None, **changes: object) -> IndexedDocument:
    """A file of ann's that only she reads, unless overridden by `changes`."""
    made = IndexedDocument(
        file_id=file_id,
        owner_id="ann",
        readers=("ann",),
        name=name,
        tags=(),
        content_type="text/plain",
        size=10,
        version=1,
        created_at=T0,
        modified_at=T0,
        text=text,
        change=1,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def put(engine: SearchEngine, *documents: IndexedDocument) -> None:
    await engine.upsert(documents)
    await engine.flush()


async def found(engine: SearchEngine, text: str = "", *, reader: str = "ann", **more: object) -> list[str]:
    """Ids of the hits, best first; the total must agree."""
    answer = await engine.search(SearchQuery(reader, text, **more))  # type: ignore[arg-type]
    if answer.next_cursor is None:
        assert answer.total == len(answer.hits)
    return [hit.file_id for hit in answer.hits]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Größe.pdf", "groesse"),
        ("Groesse.pdf", "Größe"),
        ("주간회의록v2.docx", "회의록"),
        ("주간회의록v2.docx", "v2"),
        ("Report-2026.pdf", "rep"),
        ("Report-2026.pdf", "REPORT pdf"),
        ("Report-2026.pdf", "2026 rep"),
        ("Report-2026.pdf", "Report-2026.pdf"),
        ("Crème_brûlée.md", "creme bru"),
        ("resume.doc", "Résumé"),
        ("Straße.txt", "strasse"),
        ("Łódź 1.jpg", "lodz"),
        ("Zu\u0308rich.txt", "Z\u00fcrich"),
        ("ｆｕｌｌ width.txt", "full"),
        ("年度報告書.docx", "年度"),
        ("a" * 250, "a" * 200),
    ],
)
async def test_a_name_is_found_by_the_beginnings_of_its_words(engine: SearchEngine, name: str, query: str) -> None:
    """Whatever the case, the accents, the Unicode form and the order of the words."""
    await put(engine, document("f1", name))
    assert await found(engine, query) == ["f1"]


@pytest.mark.parametrize("query", ["port", "report 2027", "epor", "reports"])
async def test_a_name_is_not_found_by_anything_else(engine: SearchEngine, query: str) -> None:
    """Each word of the query must begin some word of the name."""
    await put(engine, document("f1", "Report-2026.pdf"))
    assert await found(engine, query) == []


async def test_the_nearest_name_comes_first(engine: SearchEngine) -> None:
    """The whole name before the whole word before the beginning of a word."""
    await put(engine, document("prefix", "reporting.txt"), document("word", "the report of 2026.txt"))
    await put(engine, document("whole", "report"))
    assert await found(engine, "report") == ["whole", "word", "prefix"]


async def test_only_readers_find_a_file(engine: SearchEngine) -> None:
    """A foreign file shows in no hit, no total and no snippet, by name, text or filter alone."""
    await put(engine, document("mine", "plan a", "canary song"))
    await put(engine, document("hers", "plan b", "canary song", owner_id="bea", readers=("bea", "cat")))
    for scope, text in (("name", "plan"), ("content", "canary"), ("content", '"canary song"'), ("name", "")):
        assert await found(engine, text, scope=scope) == ["mine"]
        assert await found(engine, text, scope=scope, reader="cat") == ["hers"]
        assert await found(engine, text, scope=scope, reader="nobody") == []


async def test_files_of_others_alone(engine: SearchEngine) -> None:
    """Those that the reader may read and does not own; in no snippets."""
    await put(engine, document("mine", "plan a", "canary song", readers=("ann", "bea")))
    await put(engine, document("hers", "plan b", "canary song", owner_id="bea", readers=("bea", "ann")))
    await put(engine, document("secret", "plan c", "canary song", owner_id="bea", readers=("bea",)))
    for scope, text in (("name", "plan"), ("content", "canary"), ("name", "")):
        assert await found(engine, text, scope=scope, of_others=True) == ["hers"]
        assert await found(engine, text, scope=scope, of_others=True, reader="bea") == ["mine"]
    answer = await engine.search(SearchQuery("ann", "canary", "content", of_others=True))
    assert answer.hits[0].snippet is None


async def test_chosen_files_of_others(engine: SearchEngine) -> None:
    """Besides the reader's own; positions, totals and cursors are those of a search without the others."""
    await put(engine, document("mine", "plan", "a long canary song"))
    hers = [document(f"hers-{n}", "canary", "canary", owner_id="bea", readers=("bea", "ann")) for n in range(3)]
    foreign = document("foreign", "canary", "canary", owner_id="bea", readers=("bea",))
    await put(engine, foreign, *hers)
    query = SearchQuery("ann", "canary", "content", limit=1, shared=frozenset({"hers-1", "foreign"}))
    first = await engine.search(query)
    second = await engine.search(replace(query, cursor=first.next_cursor))
    assert [hit.file_id for hit in (*first.hits, *second.hits)] == ["hers-1", "mine"]
    assert (first.total, second.next_cursor) == (2, None)
    alone = await engine.search(replace(query, shared=frozenset()))
    assert ([(hit.file_id, hit.score) for hit in alone.hits], alone.total) == ([("mine", first.hits[0].score)], 1)
    assert alone.next_cursor is None


async def test_scores_tell_nothing_of_foreign_files(engine: SearchEngine) -> None:
    """A word's score is the same whether or not others have written it: otherwise it would reveal that."""
    await put(engine, document("mine", "canary a", "canary song"), document("other", "canary b", "a long canary song"))

    async def scores() -> list[list[float]]:
        searches = [SearchQuery(reader="ann", scope=scope, text="canary") for scope in ("name", "content")]
        return [[hit.score for hit in (await engine.search(query)).hits] for query in searches]

    before = await scores()
    hers = [document(f"hers-{i}", "canary", "canary", owner_id="bea", readers=("bea",)) for i in range(20)]
    await put(engine, *hers)
    assert await scores() == before
    assert all(first > second for first, second in before)


async def test_a_changed_file_is_found_as_it_is_now(engine: SearchEngine) -> None:
    """An upsert replaces name, text, tags and readers as a whole; of several, the last counts."""
    await put(engine, document("f1", "old.txt", "zebra", readers=("ann", "bea"), tags=("x",)))
    await engine.upsert([document("f1", "draft.txt", "walrus")])
    await put(engine, document("f1", "new.txt", "giraffe", version=3))
    assert await found(engine, "old") == await found(engine, "draft") == await found(engine, tags=("x",)) == []
    assert await found(engine, "zebra", scope="content") == await found(engine, "walrus", scope="content") == []
    assert await found(engine, "new", reader="bea") == []
    answer = await engine.search(SearchQuery("ann", "giraffe", "content"))
    assert [(hit.file_id, hit.version) for hit in answer.hits] == [("f1", 3)]


async def test_a_deleted_file_is_gone(engine: SearchEngine) -> None:
    """After the flush, at once; an unknown id is no error; a deleted file may come back."""
    await put(engine, document("f1", text="zebra"), document("f2", text="zebra"))
    await engine.delete({"f1": 1, "unknown": 1})
    await engine.flush()
    assert await found(engine, "zebra", scope="content") == ["f2"]
    await engine.delete({"f2": 1})
    await put(engine, document("f2", text="zebra"))
    assert await found(engine, "zebra", scope="content") == ["f2"]


async def test_filters_narrow_a_search_and_stand_alone(engine: SearchEngine) -> None:
    """Tags (all of them), type (media type, its first half, extension) and dates (exclusive)."""
    await put(
        engine,
        document("pdf", "a.pdf", tags=("Tax", "2026"), content_type="application/pdf", modified_at=T0),
        document("png", "b.png", tags=("tax",), content_type="image/png; q=1", modified_at=T0 + timedelta(days=1)),
        document("txt", "c.txt", modified_at=T0 + timedelta(days=2)),
    )
    assert await found(engine) == ["txt", "png", "pdf"]
    assert await found(engine, tags=("TAX",)) == ["png", "pdf"]
    assert await found(engine, tags=("tax", "2026")) == ["pdf"]
    assert await found(engine, type="application/pdf") == await found(engine, type="pdf") == ["pdf"]
    assert await found(engine, type="image") == await found(engine, type="image/*") == ["png"]
    assert await found(engine, modified_after=T0) == ["txt", "png"]
    assert await found(engine, modified_before=T0 + timedelta(days=2)) == ["png", "pdf"]
    assert await found(engine, modified_after=T0, modified_before=T0 + timedelta(days=2)) == ["png"]
    assert await found(engine, "b", tags=("tax",), type="png", modified_after=T0) == ["png"]
    assert await found(engine, "c", tags=("tax",)) == []


async def test_metadata_kind_owner_and_creation_are_filters(engine: SearchEngine) -> None:
    """With and without words, alone and together; of metadata exactly the pair, and all of several."""
    shared = {"owner_id": "bob", "readers": ("bob", "ann")}
    pairs = {"author": "Ada", "year": "1843", "empty": ""}
    await put(
        engine,
        document("f1", metadata=pairs, created_at=T0, modified_at=T0 + timedelta(seconds=3)),
        document("f2", metadata={"author": "Ada Lovelace"}, created_at=T0 + timedelta(days=1)),
        document("f3", metadata={"author": "Ada"}, kind="folder", modified_at=T0 + timedelta(seconds=2), **shared),
        document("hidden", metadata=pairs, owner_id="bob", readers=("bob",)),
    )
    for text in ("", "notes"):
        assert await found(engine, text, metadata=(("author", "Ada"),)) == ["f1", "f3"]
        assert await found(engine, text, metadata=(("author", "Ada"), ("year", "1843"))) == ["f1"]
        assert await found(engine, text, metadata=(("empty", ""),)) == ["f1"]
        for other in (("author", "ada"), ("author", "Lovelace"), ("year", "Ada"), ("author", "")):
            assert await found(engine, text, metadata=(other,)) == []
        assert await found(engine, text, kind="folder") == ["f3"]
        assert await found(engine, text, owner="bob") == ["f3"]
        assert await found(engine, text, owner="ann", kind="file") == ["f1", "f2"]
        assert await found(engine, text, owner="eve") == []
        assert await found(engine, text, created_after=T0) == ["f2"]
        assert await found(engine, text, created_before=T0 + timedelta(seconds=1)) == ["f1", "f3"]
        both = await found(engine, text, created_before=T0 + timedelta(seconds=1), modified_after=T0, owner="ann")
        assert both == ["f1"]
    await put(engine, document("f1", metadata={"author": "Bob"}, change=2))
    assert await found(engine, metadata=(("author", "Bob"),)) == ["f1"]
    assert await found(engine, metadata=(("author", "Ada"),)) == ["f3"]


async def test_dates_before_1970_and_far_ahead_are_dates(engine: SearchEngine) -> None:
    """Scanned from an old camera or set by a broken clock."""
    old, far = datetime(1903, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    await put(engine, document("old", modified_at=old), document("far", modified_at=far))
    assert await found(engine, modified_before=datetime(1950, 1, 1, tzinfo=UTC)) == ["old"]
    assert await found(engine, modified_after=T0) == ["far"]


@pytest.mark.parametrize("text", ["", "note", "notes.txt"])
async def test_pages_show_every_hit_once(engine: SearchEngine, text: str) -> None:
    """Following the cursor gives each hit once, with the same total on each page, and ends."""
    await put(engine, *(document(f"f{n:02}", modified_at=T0 + timedelta(seconds=n)) for n in range(25)))
    seen, cursor = [], None
    for size in (10, 10, 5):
        answer = await engine.search(SearchQuery("ann", text, limit=10, cursor=cursor))
        assert (len(answer.hits), answer.total) == (size, 25)
        seen += [hit.file_id for hit in answer.hits]
        cursor = answer.next_cursor
    assert cursor is None
    assert sorted(seen) == [f"f{n:02}" for n in range(25)]


@pytest.mark.parametrize("cursor", ["x", "####", "WzFd" * 2000, "Wy0xXQ", "WzFlOTld", "WyJhIl0"])
async def test_a_made_up_cursor_is_refused(engine: SearchEngine, cursor: str) -> None:
    """As the client's mistake, not the engine's."""
    with pytest.raises(DomainError) as caught:
        await engine.search(SearchQuery("ann", "x", cursor=cursor))
    assert caught.value.code == "invalid_cursor"


ODD = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from('"*?+-:()[]{}^~\\/ AND OR NOT TO text: readers:bea é\u0301\0\ud800'), max_size=40),
)


@settings(max_examples=3 * settings().max_examples, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=ODD, tag=ODD, kind=ODD, scope=st.sampled_from(["name", "content"]))
async def test_no_input_is_an_error_or_a_way_round_the_reader(
    engine: SearchEngine, text: str, tag: str, kind: str, scope: str
) -> None:
    """Whatever is typed: an answer, and never a file of another's."""
    await put(engine, document("secret", "bea.txt", "text readers bea AND OR NOT TO", readers=("bea",)))
    for filters in ({}, {"tags": (tag,)}, {"type": kind}):
        answer = await engine.search(SearchQuery("ann", text, scope, **filters))  # type: ignore[arg-type]
        assert answer.total == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=80), text=st.text(max_size=200), tag=st.text(max_size=20))
async def test_any_name_and_text_can_be_indexed(engine: SearchEngine, name: str, text: str, tag: str) -> None:
    """Including what no editor would produce; the snippet stays safe."""
    await put(engine, document("odd", name, text, tags=(tag,)))
    assert await found(engine) == ["odd"]
    for word in (name, text):
        for hit in (await engine.search(SearchQuery("ann", word, "content"))).hits:
            bare = (hit.snippet or "").replace("<mark>", "").replace("</mark>", "")
            assert "<" not in bare
            assert ">" not in bare


async def test_hits_are_sorted_by_size_or_date_either_way(engine: SearchEngine) -> None:
    """Also with words, and from page to page."""
    day = timedelta(days=1)
    sizes = {"small": (1, 3), "large": (3 << 40, 1), "middle": (500, 2)}
    await put(
        engine,
        *(
            document(name, "plan", size=size, modified_at=T0 - days * day, created_at=T0 + days * day)
            for name, (size, days) in sizes.items()
        ),
    )
    for text in ("", "plan"):
        assert await found(engine, text, sort="size") == ["large", "middle", "small"]
        assert await found(engine, text, sort="size", order="asc") == ["small", "middle", "large"]
        assert await found(engine, text, sort="modified") == ["large", "middle", "small"]
        assert await found(engine, text, sort="created") == ["small", "middle", "large"]
    pages, cursor = [], None
    for _ in sizes:
        answer = await engine.search(SearchQuery("ann", sort="size", limit=1, cursor=cursor))
        pages += [hit.file_id for hit in answer.hits]
        cursor = answer.next_cursor
    assert (pages, cursor) == (["large", "middle", "small"], None)


async def test_sizes_of_an_account_are_summed_by_family(engine: SearchEngine) -> None:
    """Neither folders nor files of others that it may read; an account without files has no sums."""
    await put(
        engine,
        document("text", size=3),
        document(
            "word", content_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document", size=4
        ),
        document("photo", content_type="image/jpeg; q=1", size=1 << 40),
        document("zip", content_type="application/zip", size=0),
        document("unknown", "data.1", content_type="application/octet-stream", size=9),
        document("named", "clip.mp4", content_type="application/octet-stream", size=8),
        document("folder", kind="folder", content_type="", size=0),
        document("hers", owner_id="bea", readers=("bea", "ann"), content_type="video/mp4", size=7),
    )
    assert await engine.stored_by("ann") == {
        "document": Stored(2, 7),
        "image": Stored(1, 1 << 40),
        "archive": Stored(1, 0),
        "other": Stored(1, 9),
        "video": Stored(1, 8),
    }
    assert await engine.stored_by("bea") == {"video": Stored(1, 7)}
    assert await engine.stored_by("nobody") == {}


async def test_the_versions_of_files_are_told_by_id(engine: SearchEngine) -> None:
    """Whoever may read them; those that are not there have none."""
    await put(engine, document("first", version=3), document("hers", owner_id="bea", readers=("bea",), version=2))
    await put(engine, document("folder", kind="folder", version=0))
    assert await engine.versions_of(["first", "hers", "folder", "unknown"]) == {"first": 3, "hers": 2, "folder": 0}
    assert await engine.versions_of([]) == {}


async def test_a_rebuild_serves_the_old_index_until_it_is_finished(engine: SearchEngine) -> None:
    """Meanwhile changes reach both; afterwards only what was rebuilt or changed is there."""
    await put(engine, document("kept", "kept"), document("stale", "stale"))
    await engine.begin_rebuild()
    await put(engine, document("live", "live"))
    await engine.add_to_rebuild([document("kept", "kept")])
    await engine.flush()
    assert sorted(await found(engine)) == ["kept", "live", "stale"]
    await engine.finish_rebuild()
    assert sorted(await found(engine)) == ["kept", "live"]
    await put(engine, document("later", "later"))
    assert sorted(await found(engine)) == ["kept", "later", "live"]


async def test_the_backlog_never_undoes_a_change_made_meanwhile(engine: SearchEngine) -> None:
    """A file changed or deleted during the rebuild stays so, though the backlog still has its older state."""
    await put(engine, document("changed", "one"), document("deleted", "two"))
    await engine.begin_rebuild()
    await engine.upsert([document("changed", "three", version=2)])
    await engine.delete({"deleted": 1})
    await engine.add_to_rebuild([document("changed", "one"), document("deleted", "two")])
    await engine.flush()
    await engine.add_to_rebuild([document("changed", "one"), document("deleted", "two")])
    await engine.finish_rebuild()
    assert await found(engine) == ["changed"]
    assert await found(engine, "three") == ["changed"]


async def test_a_rebuild_can_be_given_up_or_begun_again(engine: SearchEngine) -> None:
    """Without a trace in what is served."""
    await put(engine, document("f1"))
    await engine.begin_rebuild()
    await engine.add_to_rebuild([document("dropped")])
    await engine.abandon_rebuild()
    await engine.abandon_rebuild()
    assert await found(engine) == ["f1"]
    await engine.begin_rebuild()
    await engine.add_to_rebuild([document("dropped")])
    await engine.begin_rebuild()
    await engine.add_to_rebuild([document("f2")])
    await engine.finish_rebuild()
    assert await found(engine) == ["f2"]

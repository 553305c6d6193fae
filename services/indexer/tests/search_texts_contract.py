"""What every search engine must find in texts, as a second part of the contract."""

import pytest
from search_engine_contract import document, found, put

from docstore_indexer.engines.engine import SearchEngine, SearchQuery


async def test_text_that_is_withdrawn_is_not_found(engine: SearchEngine) -> None:
    """A file put again without its text keeps its name and loses everything else, snippet included."""
    await put(engine, document("f1", "letter.txt", "zebra"))
    await put(engine, document("f1", "letter.txt", None, change=2))
    assert await found(engine, "zebra", scope="content") == []
    [hit] = (await engine.search(SearchQuery("ann", "letter", "content"))).hits
    assert hit.snippet is None


async def test_words_of_the_text_are_found_in_any_inflection(engine: SearchEngine) -> None:
    """All words must occur, in text or name, whatever case, accents or ending."""
    await put(engine, document("f1", "Protocol.txt", "The committee's quarterly MEETINGS at the café."))
    for query in ("meeting", "Cafe quarterly", "protocol meetings", "meeting, (quarterly)!"):
        assert await found(engine, query, scope="content") == ["f1"]
    for query in ("meeting zebra", "meet ing", "quart"):
        assert await found(engine, query, scope="content") == []


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("Die Häuser sind groß und die Versicherungen waren nicht billig.", ["Haus", "versicherung", "Häusern groß"]),
        ("Die Größe ist nicht bekannt, und das ist auch gut.", ["Größe", "groesse", "GRÖSSEN", "grosse"]),
        ("Die Größe der Häuser", ["groesse", "Haus"]),
        ("Die Groesse ist nicht bekannt, und das ist auch gut.", ["Größe", "Groessen"]),
        ("Las casas de la ciudad son para los que trabajan en el puerto.", ["casa", "ciudades", "trabajar"]),
        ("Les chevaux sont dans les prés et les maisons ne sont pas loin.", ["maison", "chevaux"]),
        ("Le case della città sono per la gente che lavora con il vino.", ["casa", "vini"]),
        ("As casas da cidade não são para os que trabalham no porto.", ["casa", "porto"]),
        ("De huizen van het dorp zijn niet voor de boten in de haven.", ["boot haven", "huizen"]),
    ],
)
async def test_words_are_found_in_any_ending_of_their_language(
    engine: SearchEngine, text: str, queries: list[str]
) -> None:
    """The language of a text is known by its frequent words; umlauts may be written as two letters."""
    await put(engine, document("f1", text=text), document("f2", text="The quick walrus and the lazy badger"))
    for query in queries:
        assert await found(engine, query, scope="content") == ["f1"], query
    [hit] = (await engine.search(SearchQuery("ann", queries[0], "content"))).hits
    assert "<mark>" in (hit.snippet or "")


@pytest.mark.parametrize(
    ("text", "query", "others"),
    [
        ("다음주 회의에서는 예산보고서를 검토합니다", "보고서", ["고보서", "회의실"]),
        ("今年度の報告書を東京で作成しました", "報告書", ["書報告", "京東"]),
        ("我们在北京大学图书馆学习中文", "图书馆", ["馆书", "上海"]),
        ("新しいカメラとiPhone15を買った", "カメラ", ["カラ"]),
        ("新しいカメラとiPhone15を買った", "iphone15", ["phone"]),
    ],
)
async def test_east_asian_words_are_found_inside_of_sentences(
    engine: SearchEngine, text: str, query: str, others: list[str]
) -> None:
    """Characters that stand together, in a text and in a name; in another order they are another word."""
    await put(engine, document("f1", text=text), document("f2", f"{text}.txt"))
    assert sorted(await found(engine, query, scope="content")) == ["f1", "f2"]
    assert sorted(await found(engine, f'"{query}"', scope="content")) == ["f1", "f2"]
    assert await found(engine, query) == ["f2"]
    for other in others:
        assert await found(engine, other, scope="content") == []
    hits = (await engine.search(SearchQuery("ann", query, "content"))).hits
    [snippet] = [hit.snippet for hit in hits if hit.file_id == "f1"]
    assert f"<mark>{query}</mark>" in (snippet or "").replace("iPhone", "iphone").replace("</mark><mark>", "")


async def test_words_in_quotes_must_stand_together(engine: SearchEngine) -> None:
    """In order and side by side; other words stay free."""
    await put(engine, document("f1", text="the big red house"), document("f2", text="the red big house"))
    assert await found(engine, '"big red"', scope="content") == ["f1"]
    assert await found(engine, 'house "red big"', scope="content") == ["f2"]
    assert sorted(await found(engine, 'big "red', scope="content")) == ["f1", "f2"]


async def test_words_that_are_too_long_for_the_index_ask_for_nothing(engine: SearchEngine) -> None:
    """Alone they find nothing, as a checksum that is in no text; beside other words they are passed over."""
    await put(engine, document("f1", text="hello world"), document("f2", text="nothing of it"))
    long = "a" * 80
    for query in (long, f"{long} {long * 3}", f'"{long}"', f'{long} "{long} {long}" ...'):
        assert await found(engine, query, scope="content") == []
    for query in (f"hello {long}", f'"hello world" {long}', f'world "{long}"'):
        assert await found(engine, query, scope="content") == ["f1"]


async def test_more_of_the_words_ranks_higher(engine: SearchEngine) -> None:
    """A short text about it comes before a long one that mentions it."""
    await put(engine, document("mentions", text="filler words " * 200 + "zebra"), document("about", text="zebra zebra"))
    assert await found(engine, "zebra", scope="content") == ["about", "mentions"]


async def test_a_snippet_shows_the_words_in_their_passage(engine: SearchEngine) -> None:
    """The found words are marked, and whatever the text contains is harmless in a page."""
    text = "start " * 500 + 'then <script>alert("x")</script> the Zebras & <b>walrus</b> came ' + "end " * 500
    await put(engine, document("f1", text=text))
    [hit] = (await engine.search(SearchQuery("ann", "zebra walrus", "content"))).hits
    assert hit.snippet is not None
    assert "<mark>Zebras</mark> &amp;" in hit.snippet
    assert "<mark>walrus</mark>" in hit.snippet
    assert "<script>" not in hit.snippet
    assert "<b>" not in hit.snippet
    assert len(hit.snippet) < 500


async def test_a_snippet_of_a_hit_by_name_is_the_beginning(engine: SearchEngine) -> None:
    """Where no word of the text was found its first words are shown; a search by name shows none."""
    await put(engine, document("f1", "zebra.txt", "<Once> upon a time"))
    [hit] = (await engine.search(SearchQuery("ann", "zebra", "content"))).hits
    assert hit.snippet == "&lt;Once&gt; upon a time"
    [hit] = (await engine.search(SearchQuery("ann", "zebra", "name"))).hits
    assert hit.snippet is None

"""What the index lacks is found by laying metadata, the entries, the index and the texts beside each other."""

from typing import Any

import pytest
from indexer_fakes import FakeEngine, FakeEntries, FakeMetadata, FakeService, FakeTexts, a_file, an_entry

from docstore_contracts.consistency import CheckPage
from docstore_indexer.indexing.index_order import document_of
from docstore_indexer.indexing.rules import File
from docstore_indexer.rebuild.consistency import IndexConsistency


class Stage:
    """Three files, indexed as they are; two with a text."""

    def __init__(self) -> None:
        files = [a_file(key) for key in ("a", "b", "c")]
        self.metadata = FakeMetadata({file.file_id: file for file in files})
        self.entries, self.texts, self.engine = FakeEntries(), FakeTexts(), FakeEngine()
        for file in files:
            self.knows(file, text_version=int(file.file_id != "c"))
        service: Any = FakeService(self.entries)
        self.consistency = IndexConsistency(self.engine, self.metadata, self.entries, self.texts, service)  # type: ignore[arg-type]

    def knows(self, file: File, **state: Any) -> None:
        entry = an_entry(file, **{"pending": False, **state})
        self.entries.add(entry)
        if file.searchable:
            self.engine.documents[file.file_id] = document_of(entry, None)
        if entry.text_version:
            self.texts.kept[file.file_id] = (entry.text_version, "text")

    async def check(self, limit: int = 500, after: str = "", *, repair: bool = False) -> CheckPage:
        request: Any = {"check": "index", "after": after, "limit": limit, "repair": repair, "checksums": False}
        return await self.consistency.check(request)

    async def kinds(self) -> list[tuple[str, str]]:
        return [(finding["kind"], finding["id"]) for finding in (await self.check())["findings"]]


async def test_an_index_as_it_should_be_has_no_findings() -> None:
    """In pages of any size, and with files in the trash, which it does not have."""
    stage = Stage()
    trashed = a_file("d", trashed=True)
    stage.metadata.files["d"] = trashed
    stage.knows(trashed)
    after: str | None = ""
    while after is not None:
        page = await stage.check(2, after)
        assert page["findings"] == []
        after = page["next_after"]


@pytest.mark.parametrize("version", [None, 7])
async def test_a_file_that_the_index_lacks_is_queued_when_told(version: int | None) -> None:
    """Or has in another version; one that waits for the index anyway is none."""
    stage = Stage()
    if version is None:
        del stage.engine.documents["b"]
    else:
        stage.engine.documents["b"] = document_of(an_entry(a_file("b", version=version)), None)
    assert await stage.kinds() == [("not_indexed", "b")]
    assert not stage.entries.known["b"].pending
    page = await stage.check(repair=True)
    assert [finding["repaired"] for finding in page["findings"]] == [True]
    assert stage.entries.known["b"].pending
    assert await stage.kinds() == []


async def test_what_events_have_not_told_is_found() -> None:
    """A file that is not known, or as it was before, and one that metadata does not have any more."""
    stage = Stage()
    stage.metadata.files["new"] = a_file("new")
    stage.metadata.files["a"] = a_file("a", revision=2)
    del stage.metadata.files["c"]
    assert sorted(await stage.kinds()) == [("file_missing", "c"), ("not_recorded", "a"), ("not_recorded", "new")]


async def test_a_lost_text_is_read_again_when_told() -> None:
    """The entry says that there is one."""
    stage = Stage()
    del stage.texts.kept["a"]
    assert await stage.kinds() == [("text_missing", "a")]
    await stage.check(repair=True)
    assert (stage.entries.known["a"].pending, stage.entries.known["a"].text_version) == (True, 0)

"""The queues' work, over fakes."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from indexer_fakes import (
    FakeAccounts,
    FakeContents,
    FakeEngine,
    FakeEntries,
    FakeTexts,
    a_file,
    an_entry,
)

from docstore_contents.s3.store import ObjectArchived, ObjectNotFound, ObjectStoreUnavailable
from docstore_contents.workers.sandbox.confinement import SandboxUnavailable
from docstore_events.testing import FakeTransactor
from docstore_indexer.extraction.languages import TrainedData
from docstore_indexer.extraction.rules import ExtractedText, failure
from docstore_indexer.indexing.index_order import OrderedIndex
from docstore_indexer.indexing.rules import File, FileChange, WorkQueue
from docstore_indexer.indexing.worker import MAX_ATTEMPTS, TEXT_BATCH, Indexing
from docstore_indexer.transcription.transcriber import TranscriptionPending


class Desk:
    """An `Indexing` and what it works with."""

    def __init__(self) -> None:
        self.entries, self.texts, self.accounts = FakeEntries(), FakeTexts(), FakeAccounts()
        self.contents, self.engine, self.transactor = FakeContents(), FakeEngine(), FakeTransactor()
        self.indexing = Indexing(
            self.entries,
            self.texts,
            self.accounts,
            self.contents,
            OrderedIndex(self.engine),  # type: ignore[arg-type]
            self.transactor,  # type: ignore[arg-type]
            TrainedData({"eng": Path("eng"), "deu": Path("deu")}),
        )

    def add(self, file: File, answer: Any = None, **state: Any) -> None:
        self.entries.add(an_entry(file, **state))
        if answer is not None:
            self.contents.answers[file.object_key] = answer

    def text(self, file_id: str = "f") -> str | None:
        return self.engine.documents[file_id].text

    def published_events(self) -> list[tuple[str, str]]:
        return [
            (event.type, getattr(event, "reason", "") or getattr(event, "mode", ""))
            for event in self.transactor.published
        ]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_plain_text_is_read_at_once(desk: Desk) -> None:
    """One pass of the quick queue makes it searchable, stores its text and publishes that."""
    desk.add(a_file(), ExtractedText("walrus"))
    assert await desk.indexing.work(WorkQueue.QUICK)
    assert desk.text() == "walrus"
    assert desk.texts.kept == {"f": (1, "walrus")}
    assert desk.published_events() == [("file-indexed", "fulltext")]
    assert not await desk.indexing.work(WorkQueue.QUICK)


async def test_documents_wait_while_there_is_no_sandbox(desk: Desk) -> None:
    """They cost no attempt and are found by name; plain texts are read; once it is there they are, too."""
    desk.add(a_file("doc", name="a.doc"), ExtractedText("badger"))
    desk.add(a_file("txt"), ExtractedText("walrus"))
    desk.contents.not_ready = {WorkQueue.PARSE, WorkQueue.OCR}
    await desk.indexing.work(WorkQueue.QUICK)
    assert not await desk.indexing.work(WorkQueue.PARSE)
    assert (desk.text("doc"), desk.text("txt")) == (None, "walrus")
    desk.contents.not_ready = set()
    desk.contents.answers["key of doc"] = SandboxUnavailable("no filters")
    assert await desk.indexing.work(WorkQueue.PARSE)
    assert desk.entries.known["doc"].attempts == 0
    desk.contents.answers["key of doc"] = ExtractedText("badger")
    desk.entries.now += timedelta(minutes=1)
    assert await desk.indexing.work(WorkQueue.PARSE)
    assert desk.text("doc") == "badger"


async def test_a_document_is_found_by_name_until_its_lane_has_read_it(desk: Desk) -> None:
    """The old text is out of the index before the new one is read."""
    desk.add(a_file(name="a.doc", version=2), ExtractedText("badger"), text_version=1)
    await desk.engine.upsert([])
    await desk.indexing.work(WorkQueue.QUICK)
    assert (desk.text(), desk.published_events()) == (None, [])
    await desk.indexing.work(WorkQueue.PARSE)
    assert (desk.text(), desk.published_events()) == ("badger", [("file-indexed", "fulltext")])


async def test_scanned_pages_go_to_the_lane_of_pictures(desk: Desk) -> None:
    """A document that turns out to have pages without text does not hold up the others."""
    desk.add(a_file(name="a.doc"), WorkQueue.OCR)
    await desk.indexing.work(WorkQueue.QUICK)
    await desk.indexing.work(WorkQueue.PARSE)
    desk.contents.answers["key of f"] = ExtractedText("seen", ocr=True)
    assert not await desk.indexing.work(WorkQueue.PARSE)
    await desk.indexing.work(WorkQueue.OCR)
    assert desk.text() == "seen"


async def test_a_transcription_is_waited_for_and_then_forgotten(desk: Desk) -> None:
    """Asking counts no attempt. Speech may be in any language unless the account has chosen some."""
    desk.add(a_file(name="a.doc"), WorkQueue.TRANSCRIPTION)
    for queue in (WorkQueue.QUICK, WorkQueue.PARSE):
        await desk.indexing.work(queue)
    desk.contents.answers["key of f"] = TranscriptionPending(20.0)
    for chosen in [()] * 2 * MAX_ATTEMPTS + [("deu", "kor")]:
        desk.accounts.chosen["ann"] = chosen
        assert await desk.indexing.work(WorkQueue.TRANSCRIPTION)
        assert not await desk.indexing.work(WorkQueue.TRANSCRIPTION), "not before its time"
        desk.entries.now += timedelta(seconds=20)
    assert desk.contents.languages[1:] == [""] * 2 * MAX_ATTEMPTS + ["deu+kor"]
    assert (desk.text(), desk.contents.forgotten) == (None, [])
    desk.contents.answers["key of f"] = ExtractedText("heard")
    await desk.indexing.work(WorkQueue.TRANSCRIPTION)
    assert (desk.text(), desk.contents.forgotten) == ("heard", ["key of f"])


async def test_a_transcription_stays_until_its_text_is_stored(desk: Desk) -> None:
    """Else it would be made, and paid for, again: here the file is renamed meanwhile."""
    desk.add(a_file(name="a.doc"), WorkQueue.TRANSCRIPTION)
    for queue in (WorkQueue.QUICK, WorkQueue.PARSE):
        await desk.indexing.work(queue)

    async def rename_meanwhile(file: File) -> None:
        desk.contents.while_reading = None
        await desk.entries.record([FileChange(a_file(name="b.doc", revision=2))], None)

    desk.contents.while_reading = rename_meanwhile
    desk.contents.answers["key of f"] = ExtractedText("heard")
    await desk.indexing.work(WorkQueue.TRANSCRIPTION)
    assert desk.contents.forgotten == []


async def test_many_plain_texts_have_a_lane_of_their_own(desk: Desk) -> None:
    """The quick queue does not read them, so that names behind them need not wait."""
    for number in range(TEXT_BATCH + 1):
        desk.add(a_file(str(number)), ExtractedText("walrus"))
    await desk.indexing.work(WorkQueue.QUICK)
    assert (len(desk.engine.documents), desk.published_events()) == (TEXT_BATCH + 1, [])
    while await desk.indexing.work(WorkQueue.TEXT):
        pass
    assert len(desk.published_events()) == TEXT_BATCH + 1


async def test_a_large_plain_text_does_not_hold_up_the_quick_lane(desk: Desk) -> None:
    """It is found by its name and read in the queue of texts."""
    desk.add(a_file(size=1 << 20), ExtractedText("walrus"))
    await desk.indexing.work(WorkQueue.QUICK)
    assert (desk.text(), desk.published_events()) == (None, [])
    await desk.indexing.work(WorkQueue.TEXT)
    assert desk.text() == "walrus"


async def test_a_failed_index_puts_everything_off(desk: Desk) -> None:
    """Nothing is marked or published; later it is done."""
    desk.add(a_file(), ExtractedText("walrus"))
    desk.engine.broken = True
    await desk.indexing.work(WorkQueue.QUICK)
    assert desk.published_events() == []
    desk.engine.broken = False
    desk.entries.now += timedelta(seconds=10)
    for queue in (
        WorkQueue.QUICK,
        WorkQueue.TEXT,
    ):  # a paused machine passes on what could have been done at once
        await desk.indexing.work(queue)
    assert desk.published_events() == [("file-indexed", "fulltext")]


async def test_an_object_store_that_is_away_is_waited_for(desk: Desk) -> None:
    """The file is found by its name meanwhile, and no attempt is counted."""
    desk.add(a_file(), ObjectStoreUnavailable("x", "y"))
    await desk.indexing.work(WorkQueue.QUICK)
    for _ in range(3 * MAX_ATTEMPTS):
        desk.entries.now += timedelta(minutes=2)
        await desk.indexing.work(WorkQueue.TEXT)
    assert (desk.text(), desk.published_events()) == (None, [])
    desk.contents.answers["key of f"] = ExtractedText("walrus")
    desk.entries.now += timedelta(minutes=2)
    await desk.indexing.work(WorkQueue.TEXT)
    assert desk.published_events() == [("file-indexed", "fulltext")]


async def test_an_object_that_stays_missing_is_published(desk: Desk) -> None:
    """After a few attempts the document counts as failed."""
    desk.add(a_file(), ObjectNotFound("NoSuchKey", "x"))
    await desk.indexing.work(WorkQueue.QUICK)
    for _ in range(MAX_ATTEMPTS):
        desk.entries.now += timedelta(minutes=2)
        await desk.indexing.work(WorkQueue.TEXT)
    assert desk.published_events() == [("file-index-failed", "content_missing")]


async def test_an_archived_object_is_not_waited_for(desk: Desk) -> None:
    """The document counts as failed at once; one whose text is known, and is read in other languages, keeps it."""
    archived = ObjectArchived("InvalidObjectState", "x")
    desk.add(a_file("new"), archived)
    await desk.indexing.work(WorkQueue.QUICK)
    await desk.indexing.work(WorkQueue.TEXT)
    assert desk.published_events() == [("file-index-failed", "archived")]
    desk.add(a_file("scan", name="a.doc"), WorkQueue.OCR)
    await desk.indexing.work(WorkQueue.QUICK)
    await desk.indexing.work(WorkQueue.PARSE)
    desk.contents.answers["key of scan"] = ExtractedText("Grosse", ocr=True)
    await desk.indexing.work(WorkQueue.OCR)
    desk.accounts.chosen["ann"] = ("deu",)
    await desk.entries.requeue(["scan"])
    desk.contents.answers["key of scan"] = WorkQueue.OCR
    await desk.indexing.work(WorkQueue.QUICK)
    await desk.indexing.work(WorkQueue.PARSE)
    desk.contents.answers["key of scan"] = archived
    await desk.indexing.work(WorkQueue.OCR)
    assert (desk.text("scan"), desk.contents.languages[-1]) == ("Grosse", "deu")
    assert len(desk.published_events()) == 2
    desk.entries.now += timedelta(hours=1)
    assert not await desk.indexing.work(WorkQueue.OCR)


@pytest.mark.parametrize("crashes", [0, 2, MAX_ATTEMPTS])
async def test_a_document_that_ends_the_process_is_given_up(desk: Desk, crashes: int) -> None:
    """One that was claimed again and again without ever being done is not read another time."""
    desk.add(a_file(), ExtractedText("never asked"), attempts=MAX_ATTEMPTS - crashes, crashes=crashes)
    await desk.indexing.work(WorkQueue.QUICK)
    assert desk.published_events() == [("file-index-failed", "parser_crashed")]


async def test_one_file_that_can_not_be_indexed_does_not_hold_up_the_others(desk: Desk) -> None:
    """The rest of its batch is done, it is tried again later."""
    desk.add(a_file("good"), ExtractedText("walrus"))
    desk.add(a_file("bad"), ValueError("unexpected"))
    await desk.indexing.work(WorkQueue.QUICK)
    assert [event.file_id for event in desk.transactor.published] == ["good"]  # type: ignore[attr-defined]
    assert desk.entries.due["bad"] > desk.entries.now


async def test_a_file_deleted_while_it_is_read_stays_out(desk: Desk) -> None:
    """Work on the old state ends after the removal: it changes nothing in the index and publishes nothing."""
    desk.add(a_file(name="a.doc"), ExtractedText("late"))
    await desk.indexing.work(WorkQueue.QUICK)

    async def delete_meanwhile(file: File) -> None:
        desk.contents.while_reading = None
        await desk.entries.record([FileChange(a_file(name="a.doc", revision=2, trashed=True))], None)
        await desk.indexing.work(WorkQueue.QUICK)

    desk.contents.while_reading = delete_meanwhile
    await desk.indexing.work(WorkQueue.PARSE)
    assert (desk.engine.documents, desk.published_events(), desk.texts.kept) == ({}, [], {})


async def test_a_text_that_is_gone_from_the_store_is_read_again(desk: Desk) -> None:
    """The text is recorded as stored, but is missing: the document is read."""
    desk.add(a_file(), ExtractedText("again"), text_version=1)
    await desk.indexing.work(WorkQueue.QUICK)
    await desk.indexing.work(WorkQueue.QUICK)
    assert desk.text() == "again"


async def test_on_the_free_plan_the_text_leaves(desk: Desk) -> None:
    """After a downgrade the file is found by name, and its text is kept nowhere."""
    desk.accounts.plan = "free"
    desk.texts.kept["f"] = (1, "walrus")
    desk.add(a_file(), text_version=1, announced="1:fulltext")
    await desk.indexing.work(WorkQueue.QUICK)
    assert (desk.text(), desk.texts.kept, desk.published_events()) == (None, {}, [("file-indexed", "name")])


async def test_a_failed_extraction_is_published_once(desk: Desk) -> None:
    """With its reason, and the file is found by its name."""
    desk.add(a_file(name="a.doc"), failure("corrupt"))
    await desk.indexing.work(WorkQueue.QUICK)
    await desk.indexing.work(WorkQueue.PARSE)
    assert (desk.text(), desk.published_events()) == (None, [("file-index-failed", "corrupt")])


async def test_pictures_are_read_again_in_another_language(desk: Desk) -> None:
    """Once the account has chosen one, a queued picture is read in it; it is found by its old text until then."""
    picture = a_file(name="a.doc")
    desk.add(picture, WorkQueue.OCR)
    await desk.indexing.work(WorkQueue.QUICK)
    await desk.indexing.work(WorkQueue.PARSE)
    desk.contents.answers["key of f"] = ExtractedText("Grofse", ocr=True)
    await desk.indexing.work(WorkQueue.OCR)
    desk.accounts.chosen["ann"] = ("kor", "deu")
    await desk.entries.requeue(["f"])
    desk.contents.answers["key of f"] = WorkQueue.OCR
    for queue in (WorkQueue.QUICK, WorkQueue.PARSE):
        await desk.indexing.work(queue)
        assert desk.text() == "Grofse"
    desk.contents.answers["key of f"] = ExtractedText("Größe", ocr=True)
    await desk.indexing.work(WorkQueue.OCR)
    assert (desk.text(), desk.contents.languages[-1]) == ("Größe", "deu")
    assert desk.published_events() == [("file-indexed", "fulltext")]
    await desk.entries.requeue(["f"])
    await desk.indexing.work(WorkQueue.QUICK)
    assert not desk.entries.due


async def test_text_of_no_picture_is_not_read_again(desk: Desk) -> None:
    """Another language of pictures costs a plain text nothing."""
    desk.add(a_file(), ExtractedText("walrus"))
    await desk.indexing.work(WorkQueue.QUICK)
    desk.accounts.chosen["ann"] = ("deu",)
    await desk.entries.requeue(["f"])
    await desk.indexing.work(WorkQueue.QUICK)
    assert len(desk.contents.languages) == 1

"""What follows from the outcome for a file: its event, and whether its stored text is removed."""

from docstore_events.catalogue.event import Event
from docstore_events.catalogue.files import FileIndexed, FileIndexFailed
from docstore_events.envelope import Envelope, seal
from docstore_indexer.extraction.rules import ExtractedText
from docstore_indexer.indexing.rules import Entry, Outcome


def file_id_of(outcome: Outcome) -> str:
    return outcome.entry.file.file_id


def loses_text(outcome: Outcome) -> bool:
    entry = outcome.entry
    return entry.text_version > 0 and (outcome.result in ("name", "failed") or entry.file.purged)


def event_of(outcome: Outcome) -> FileIndexed | FileIndexFailed:
    file = outcome.entry.file
    if outcome.result == "failed":
        return FileIndexFailed(
            revision=file.revision,
            file_id=file.file_id,
            owner_id=file.owner_id,
            version=file.version,
            reason=outcome.reason,
        )
    text: ExtractedText | None = outcome.text
    stored = outcome.result == "fulltext" and text is None
    return FileIndexed(
        revision=file.revision,
        file_id=file.file_id,
        owner_id=file.owner_id,
        version=file.version,
        mode="fulltext" if outcome.result == "fulltext" else "name",
        characters=len(text.text) if text else outcome.entry.text_chars * stored,
        ocr=text.ocr if text else outcome.entry.ocr and stored,
    )


def caused_by(event: Event, entry: Entry) -> Envelope[Event]:
    """Return an envelope with the trace of the event that made the file pending."""
    return seal(event, source="indexer", traceparent=entry.traceparent)

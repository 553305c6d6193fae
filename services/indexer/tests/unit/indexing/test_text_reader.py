"""How much of a file is downloaded, by type, size and first bytes."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import indexer_documents as documents
import pytest
from indexer_fakes import a_file

from docstore_contents.reader import Contents
from docstore_indexer.extraction.limits import ExtractionLimits
from docstore_indexer.extraction.rules import ExtractedText, ExtractionFailed
from docstore_indexer.extraction.service import Extractor
from docstore_indexer.indexing.text_reader import StoredContents

GIB = 1 << 30


class LargeObject:
    """The beginning of an object that is too large to be fetched."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning

    async def get_range(self, key: str, start: int, length: int, *, etag: str | None = None) -> bytes:
        return self._beginning[start : start + length]

    async def download(self, key: str, path: Path, max_bytes: int) -> int:
        raise AssertionError("all of it is fetched")


@pytest.fixture
async def extractor() -> AsyncIterator[Extractor]:
    extractor = Extractor(ExtractionLimits(max_text_chars=20))
    yield extractor
    await extractor.close()


async def read_large(beginning: bytes, extractor: Extractor, folder: Path) -> Any:
    store: Any = LargeObject(beginning)
    contents = StoredContents(Contents(store), extractor, extractor, folder, 20)
    file = a_file(name="disk.vmdk", content_type="application/octet-stream", size=19 * GIB)
    return await contents.read(file, contents.queue_of(file), "eng")


@pytest.mark.parametrize(
    ("beginning", "reason"), [(b"\0\1\2\3" * 500, "unsupported_type"), (documents.pdf("words"), "too_large")]
)
async def test_a_large_file_of_unknown_type_is_refused_by_its_first_bytes(
    beginning: bytes, reason: str, extractor: Extractor, tmp_path: Path
) -> None:
    """All of it would be written to the disk, to be found too large or no document then."""
    with pytest.raises(ExtractionFailed) as refused:
        await read_large(beginning, extractor, tmp_path)
    assert refused.value.reason == reason


async def test_the_beginning_of_a_large_text_of_unknown_type_is_enough(extractor: Extractor, tmp_path: Path) -> None:
    """It is found by as much of its text as one of a known type."""
    assert await read_large(b"a zebra " * 500, extractor, tmp_path) == ExtractedText(
        "a zebra a zebra a ze", truncated=True
    )

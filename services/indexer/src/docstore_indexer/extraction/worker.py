"""Program of a worker process, `python -m docstore_indexer.extraction.worker`: reads documents at given paths."""

import os
import tempfile
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from docstore_contents.workers.process import Handler, serve_confined
from docstore_indexer.extraction.kinds import Kind
from docstore_indexer.extraction.rules import ExtractionFailed

_EMPTY_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj trailer<</Root 1 0 R>>"
)
_GRACE = 0.8  # share of a job's time; the rest is for returning what is done


def _load() -> Handler:
    os.environ["KREUZBERG_CACHE_DIR"] = tempfile.gettempdir()
    from docstore_indexer.extraction import parsing  # loads the parsers inside the limits

    return partial(_answer, parsing)


def _prepare() -> None:
    """Unpack the PDF library and create the cache that OCR needs.

    Jobs can't write to either, since text in a cache would outlive its job.
    """
    from docstore_indexer.extraction import parsing

    Path(tempfile.gettempdir(), "ocr").mkdir()
    with tempfile.NamedTemporaryFile() as file:
        file.write(_EMPTY_PDF)
        file.flush()
        parsing.parse(Path(file.name), Kind.PDF, parsing.Bounds(max_chars=1, max_ocr_pages=0, deadline=0.0))


def _answer(parsing: Any, request: dict[str, Any]) -> dict[str, Any]:
    bounds = parsing.Bounds(
        max_chars=int(request["max_chars"]),
        max_ocr_pages=int(request["max_ocr_pages"]),
        deadline=time.monotonic() + float(request["seconds"]) * _GRACE,
        languages=str(request["languages"]),
    )
    try:
        return asdict(parsing.parse(Path(request["path"]), Kind(request["kind"]), bounds))
    except ExtractionFailed as error:
        return {"reason": error.reason}


if __name__ == "__main__":
    serve_confined(_load, _prepare)

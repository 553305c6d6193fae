"""The worker process: `python -m docstore_indexer.extract_worker`. It is told where a document lies, and reads it."""

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from docstore_indexer.domain import ExtractionFailed
from docstore_indexer.kinds import Kind
from docstore_platform.limited_worker import Answerer, serve_confined

_GRACE = 0.8  # of the time a job has; what is left is for answering with the part that is done


def _load() -> Answerer:
    from docstore_indexer import parsing  # loads the parsers, inside the limits

    return partial(_answer, parsing)


def _answer(parsing: Any, request: dict[str, Any]) -> dict[str, Any]:
    bounds = parsing.Bounds(
        max_chars=int(request["max_chars"]),
        max_ocr_pages=int(request["max_ocr_pages"]),
        deadline=time.monotonic() + float(request["seconds"]) * _GRACE,
    )
    try:
        return asdict(parsing.parse(Path(request["path"]), Kind(request["kind"]), bounds))
    except ExtractionFailed as error:
        return {"reason": error.reason}


if __name__ == "__main__":
    serve_confined(_load)

"""The worker process: `python -m docstore_media.render_worker`. It is told where a content lies, and makes pictures."""

from functools import partial
from pathlib import Path
from typing import Any

from docstore_media.domain import Kind, RenderFailed
from docstore_platform.limited_worker import Answerer, serve_confined


def _load() -> Answerer:
    from docstore_media import pictures  # loads the libraries, inside the limits

    return partial(_answer, pictures)


def _answer(pictures: Any, request: dict[str, Any]) -> dict[str, Any]:
    targets = {size: Path(target) for size, target in request["targets"].items()}
    try:
        pictures.render(Path(request["path"]), Kind(request["kind"]), targets, int(request["max_pixels"]))
    except RenderFailed as error:
        return {"reason": error.reason}
    return {}


if __name__ == "__main__":
    serve_confined(_load)

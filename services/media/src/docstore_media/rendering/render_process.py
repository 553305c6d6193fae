"""Program of a worker process, `python -m docstore_media.rendering.render_process`: renders the content at a path."""

from base64 import b64encode
from functools import partial
from pathlib import Path
from typing import Any

from docstore_contents.workers.process import Answerer, serve_confined
from docstore_media.rules import MAX_PICTURE_BYTES, Kind, RenderFailed


def _load() -> Answerer:
    from docstore_media.rendering import pictures  # loads the libraries inside the limits

    pictures.load_formats()  # otherwise every job would load them
    return partial(_answer, pictures)


def _answer(pictures: Any, request: dict[str, Any]) -> dict[str, Any]:
    try:
        made = pictures.render(Path(request["path"]), Kind(request["kind"]), int(request["max_pixels"]))
    except RenderFailed as error:
        return {"reason": error.reason}
    if any(len(data) > MAX_PICTURE_BYTES for data in made.values()):
        return {"reason": "too_large"}
    return {"pictures": {size: b64encode(data).decode() for size, data in made.items()}}


if __name__ == "__main__":
    serve_confined(_load)

"""Program of a worker process, `python -m docstore_media.rendering.render_process`: renders the content at a path."""

from base64 import b64encode
from functools import partial
from pathlib import Path
from typing import Any

from docstore_contents.workers.process import Handler, serve_confined
from docstore_media.kinds import Kind
from docstore_media.rules import MAX_PICTURE_BYTES, MAX_VARIANT_BYTES, VARIANT, RenderFailed, Spec


def _load() -> Handler:
    from docstore_media.rendering import pictures  # loads the libraries inside the limits

    pictures.load_formats()  # otherwise every job would load them
    return partial(_answer, pictures)


def _answer(pictures: Any, request: dict[str, Any]) -> dict[str, Any]:
    path, kind, max_pixels = Path(request["path"]), Kind(request["kind"]), int(request["max_pixels"])
    facts: dict[str, Any] = {}
    limit = MAX_PICTURE_BYTES
    try:
        if "spec" in request:
            made = {VARIANT: pictures.render_variant(path, kind, max_pixels, Spec(**request["spec"]))}
            limit = MAX_VARIANT_BYTES
        else:
            made, facts = pictures.render(path, kind, max_pixels)
    except RenderFailed as error:
        return {"reason": error.reason}
    if any(len(data) > limit for data in made.values()):
        return {"reason": "too_large"}  # instead of pictures that might exceed the limit of a response
    return {"pictures": {name: b64encode(data).decode() for name, data in made.items()}, "facts": facts}


if __name__ == "__main__":
    serve_confined(_load)

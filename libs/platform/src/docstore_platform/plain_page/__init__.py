"""Base of pages without script: a frame with an inline stylesheet."""

import base64
import hashlib
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from docstore_platform.domain.shown_text import keeps_direction

CSS = (files(__package__) / "plain_page.css").read_text("utf-8")
"""Inline stylesheet, light and dark; ours, so it needs no escaping."""
STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()}'"
"""Source expression that allows exactly this style in `style-src` of a Content-Security-Policy."""


def plain_pages(package: str, folder: str = "templates") -> Environment:
    """Return the templates of a package, which can extend `plain_page.html`: give it a `title`, and fill `content`."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, folder), PackageLoader("docstore_platform", "plain_page")]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=keeps_direction,
    )
    environment.globals |= {"css": Markup(CSS), "language": "en"}
    return environment

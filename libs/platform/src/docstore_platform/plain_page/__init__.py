"""Base of pages without script: a frame with an inline stylesheet, and readable sizes."""

import base64
import hashlib
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from docstore_platform.shown_text import keeps_direction

CSS = (files(__package__) / "plain_page.css").read_text("utf-8")
"""Inline stylesheet, light and dark; ours, so it needs no escaping."""
STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()}'"
"""Source expression that allows exactly this style in `style-src` of a Content-Security-Policy."""
UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")


def shown_size(size: int) -> str:
    """Format bytes for people, in powers of 1024 as plans and the web page do: a plan's `5 GB` is `5 GB`."""
    if size == 1:
        return "1 byte"
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1024, unit + 1
    digits = 1 if unit and value < 9.95 else 0
    return f"{value:.{digits}f}".removesuffix(".0") + f" {UNITS[unit]}"


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
    environment.globals["css"] = Markup(CSS)
    environment.filters["size"] = shown_size
    return environment

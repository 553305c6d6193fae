"""What pages without script share: one small stylesheet that stands in the page, and how figures are said to people."""

import base64
import hashlib
from importlib.resources import files

CSS = (files(__package__) / "plain_page.css").read_text("utf-8")
"""Ours and without markup: in a style element it stands as it is. Light and dark."""
STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()}'"
"""What a Content-Security-Policy names in `style-src` to allow it, and no other style."""
UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")


def shown_size(size: int) -> str:
    """Bytes as people read them: three digits are enough."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    if unit == 0:
        return "1 byte" if size == 1 else f"{size} bytes"
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {UNITS[unit]}"

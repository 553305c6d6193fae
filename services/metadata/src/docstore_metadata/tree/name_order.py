"""Natural order of a folder: folders, then files, each by name with numbers by value. Standard library only."""

import re
import unicodedata

DIGITS = re.compile("[0-9]+")
MAX_CHARS = 300
"""Length of a key, which has to fit into a cursor. Names that differ only beyond it are sorted by creation."""


def order_of(kind: str, name: str) -> str:
    """Sort key of a file or folder, compared by code points: a2, A10, áb, b.

    Letters lose case and accents (Unicode's NFKD, without combining characters, and case folding). A number is prefixed
    by its number of digits, so that shorter ones come first.
    """
    if not name.isascii():
        name = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    by_value = DIGITS.sub(_by_value, name.casefold())
    return ("0" if kind == "folder" else "1") + by_value[:MAX_CHARS]


def _by_value(digits: re.Match[str]) -> str:
    number = digits[0].lstrip("0")
    return f"{len(number):03}{number}"

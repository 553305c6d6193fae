"""The order in which people expect a folder's content: folders, then files, each by name with numbers by their value.

Standard library only.
"""

import re
import unicodedata

DIGITS = re.compile("[0-9]+")
MAX_CHARS = 300
"""Of the key: names that differ only beyond are in the order they were made in. It has to fit into a cursor."""


def order_of(kind: str, name: str) -> str:
    """What a file or folder is sorted by, as text that is compared by code points: in the order a2, A10, áb, b.

    Letters lose their case and accents (Unicode's NFKD, without combining characters, and case folding); a number is
    written behind the count of its digits, so that fewer come first.
    """
    if not name.isascii():
        name = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    by_value = DIGITS.sub(_by_value, name.casefold())
    return ("0" if kind == "folder" else "1") + by_value[:MAX_CHARS]


def _by_value(digits: re.Match[str]) -> str:
    number = digits[0].lstrip("0")
    return f"{len(number):03}{number}"

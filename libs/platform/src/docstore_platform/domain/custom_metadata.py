"""Custom metadata of files: pairs of names and values that people and programs choose. Standard library only."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from docstore_platform.errors import invalid

INVALID_METADATA = "invalid_metadata"
MAX_PAIRS = 20
MAX_VALUE_CHARS = 256
NAME_PATTERN = "[a-z0-9-]{1,64}"
_NAME = re.compile(NAME_PATTERN)


def check_names(names: Collection[Any]) -> None:
    """Invalid `invalid_metadata` unless these can be the names of one file's metadata."""
    if len(names) > MAX_PAIRS:
        raise invalid(f"A file has at most {MAX_PAIRS} pairs of custom metadata.", INVALID_METADATA)
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names) or len(set(names)) < len(names):
        raise invalid("Each name of custom metadata is 1 to 64 of a-z, 0-9 and -, and once.", INVALID_METADATA)


def check_metadata(pairs: Any) -> dict[str, str]:
    """Return pairs with their values in NFC, stripped. Invalid `invalid_metadata` if they break a rule."""
    if not isinstance(pairs, Mapping):
        raise invalid("Custom metadata is an object of names and values.", INVALID_METADATA)
    check_names(pairs)
    return {name: _checked_value(value) for name, value in pairs.items()}


def _checked_value(value: Any) -> str:
    text = unicodedata.normalize("NFC", value.strip()) if isinstance(value, str) else "\n"
    if not text.isprintable() or len(text) > MAX_VALUE_CHARS:
        detail = f"A value of custom metadata has up to {MAX_VALUE_CHARS} characters of printable text on one line."
        raise invalid(detail, INVALID_METADATA)
    return text


def pair_term(name: str, value: str) -> str:
    """Return a pair as one text, for an index: no name contains the `=`."""
    return f"{name}={value}"

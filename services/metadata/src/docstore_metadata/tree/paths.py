"""Rules of names and paths: absolute, `/`-separated, NFC, each name 1-255 bytes of UTF-8. Standard library only."""

import unicodedata
from collections.abc import Iterator
from datetime import date
from itertools import count

from docstore_metadata.errors import InvalidPath

MAX_NAME_BYTES = 255
MAX_DEPTH = 64
MAX_EXTENSION_BYTES = 32
MAX_DEVICE_BYTES = 60

Parts = tuple[str, ...]
"""Names from the root down; the root itself is ()."""


def check_name(name: str) -> str:
    """`name` itself; InvalidPath unless it is a valid name of a file or folder."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise InvalidPath("A name must be valid Unicode.") from None
    if not 1 <= size <= MAX_NAME_BYTES:
        raise InvalidPath(f"A name has 1 to {MAX_NAME_BYTES} bytes of UTF-8, not {size}.")
    if name in (".", ".."):
        raise InvalidPath("`.` and `..` are no names.")
    if "/" in name:
        raise InvalidPath("A name has no `/`.")
    if not name.isascii() and not unicodedata.is_normalized("NFC", name):
        raise InvalidPath("A name must be in Unicode normal form C.")
    if any(unicodedata.category(char) == "Cc" for char in name):
        raise InvalidPath("A name has no control characters.")
    return name


def split_path(path: str) -> Parts:
    """The names in an absolute path; InvalidPath if it breaks a rule."""
    if path == "/":
        return ()
    if not path.startswith("/"):
        raise InvalidPath("A path begins with `/`.")
    if path.count("/") > MAX_DEPTH:
        raise InvalidPath(f"A path has at most {MAX_DEPTH} names.")
    return tuple(check_name(name) for name in path[1:].split("/"))


def join_path(parts: Parts) -> str:
    return "/" + "/".join(parts)


def prefixes(parts: Parts) -> Iterator[Parts]:
    """The folders a path runs through, from the root's child down to the parent."""
    return (parts[:depth] for depth in range(1, len(parts)))


def cut(text: str, max_bytes: int) -> str:
    """The longest beginning of `text` that has at most `max_bytes` bytes of UTF-8."""
    return text.encode()[:max_bytes].decode(errors="ignore")


def split_extension(name: str) -> tuple[str, str]:
    """`report.pdf` as `report` and `.pdf`; a leading dot or a very long ending is no extension."""
    stem, dot, extension = name.rpartition(".")
    if not stem or not extension or len(extension.encode()) >= MAX_EXTENSION_BYTES:
        return name, ""
    return stem, dot + extension


def with_note(name: str, note: str) -> str:
    """`report.pdf` with the note `restored` is `report (restored).pdf`; the stem is cut where the whole is too long."""
    stem, extension = split_extension(name)
    ending = f" ({note}){extension}"
    return cut(stem, MAX_NAME_BYTES - len(ending.encode())) + ending


def noted_names(name: str, note: str) -> Iterator[str]:
    """Candidates for a free name: with the note, then with the note and 2, 3, ..."""
    yield with_note(name, note)
    yield from (with_note(name, f"{note} {number}") for number in count(2))


def conflict_note(day: date, device: str) -> str:
    """The note in the name of a conflicted copy: its date and device."""
    allowed = "".join(char for char in device if char.isprintable() and char != "/")
    clean = cut(unicodedata.normalize("NFC", allowed), MAX_DEVICE_BYTES).strip()
    return f"conflicted copy {day.isoformat()} {clean}".rstrip()

"""Rules of names: what either side allows, what conflicted copies and passing temporary things are called."""

import unicodedata
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count

MAX_NAME_BYTES = 255
MAX_EXTENSION_BYTES = 32
MAX_DEVICE_BYTES = 60
TEMPORARY = ".docstore-tmp-"
CONFLICTED = "conflicted copy"
WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
)


def _exactly(name: str) -> str:
    return name


def fold(name: str) -> str:
    """What a file system that ignores case and Unicode forms knows a name by."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


@dataclass(frozen=True, slots=True)
class Rules:
    """How this device names things. `key`: two names in one folder with the same key can't both be on its disk."""

    device: str
    day: date
    key: Callable[[str], str] = _exactly
    windows: bool = False

    def refused_here(self, name: str) -> str | None:
        """Why a name can't be on this device's disk."""
        if "\0" in name or "/" in name or name in ("", ".", "..") or len(name.encode(errors="replace")) > 255:
            return "this file system has no such name"
        if not self.windows:
            return None
        if any(char in '<>:"\\|?*' or ord(char) < 32 for char in name) or name[-1] in ". ":
            return "Windows has no such name"
        return "Windows keeps this name" if name.partition(".")[0].casefold() in WINDOWS_DEVICES else None

    def temporary(self, number: int) -> str:
        """A name for a moment; it says whose it is, so that another device takes it for an ordinary one."""
        return f"{TEMPORARY}{_clean(self.device, 30)}-{number}"

    def is_own_temporary(self, name: str) -> bool:
        return name.startswith(f"{TEMPORARY}{_clean(self.device, 30)}-")

    def conflict_name(self, name: str, taken: Container[str]) -> str:
        """A free name for the copy of `name` that gives way: it says when and from where it came."""
        note = f"{CONFLICTED} {self.day.isoformat()} {_clean(self.device, MAX_DEVICE_BYTES)}".rstrip()
        return next(each for each in _noted(name, note) if self.key(each) not in taken)


def is_given_out(key: str) -> bool:
    """Whether a name, or what it is known by, is like those that plans make up."""
    return CONFLICTED in key or key.startswith(TEMPORARY)


def refused_there(name: str) -> str | None:
    """Why the server does not take a name."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "its name is not valid Unicode"
    if size > MAX_NAME_BYTES:
        return f"its name is longer than {MAX_NAME_BYTES} bytes"
    if not name.isascii() and not unicodedata.is_normalized("NFC", name):
        return "its name is not in Unicode normal form C"
    if any(unicodedata.category(char) == "Cc" for char in name):
        return "its name has control characters"
    return None


def _noted(name: str, note: str) -> Iterator[str]:
    stem, dot, extension = name.rpartition(".")
    if not stem or not extension or len(extension.encode()) >= MAX_EXTENSION_BYTES:
        stem, ending = name, ""
    else:
        ending = dot + extension
    for number in count(1):
        more = f" ({note}{f' {number}' if number > 1 else ''}){ending}"
        yield _cut(stem, MAX_NAME_BYTES - len(more.encode())) + more


def _clean(device: str, max_bytes: int) -> str:
    allowed = "".join(char for char in device if char.isprintable() and char not in '/<>:"\\|?*')
    return _cut(unicodedata.normalize("NFC", allowed), max_bytes).strip()


def _cut(text: str, max_bytes: int) -> str:
    return text.encode()[:max_bytes].decode(errors="ignore")

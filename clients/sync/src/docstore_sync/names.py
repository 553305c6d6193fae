"""Name rules: what each side allows, and the names of conflicted copies and temporary files."""

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
    """The key of a name on a file system that ignores case and Unicode normalization."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


@dataclass(frozen=True, slots=True)
class Rules:
    """Name rules of this device. `key`: names in one folder with equal keys can't coexist on its disk."""

    device: str
    day: date
    key: Callable[[str], str] = _exactly
    windows: bool = False

    def temporary(self, number: int) -> str:
        """A temporary name with the device in it: other devices treat it as an ordinary name."""
        return f"{TEMPORARY}{_clean(self.device, 30)}-{number}"

    def is_own_temporary(self, name: str) -> bool:
        return name.startswith(f"{TEMPORARY}{_clean(self.device, 30)}-")

    def conflict_name(self, name: str, taken: Container[str]) -> str:
        """An unused name for the conflicted copy of `name`, with date and device."""
        note = f"{CONFLICTED} {self.day.isoformat()} {_clean(self.device, MAX_DEVICE_BYTES)}".rstrip()
        return next(each for each in _noted(name, note) if self.key(each) not in taken)


def is_generated(key: str) -> bool:
    """Whether a name, or its key, looks like one that the planner generates."""
    return CONFLICTED in key or key.startswith(TEMPORARY)


def local_name_error(name: str, *, windows: bool) -> str | None:
    """Why a name is not allowed on a disk, on Windows or elsewhere; None if it is."""
    if "\0" in name or "/" in name or name in ("", ".", "..") or len(name.encode(errors="replace")) > 255:
        return "the file system does not allow this name"
    if not windows:
        return None
    if any(char in '<>:"\\|?*' or ord(char) < 32 for char in name) or name[-1] in ". ":
        return "Windows does not allow this name"
    return "Windows reserves this name" if name.partition(".")[0].casefold() in WINDOWS_DEVICES else None


def remote_name_error(name: str) -> str | None:
    """Why the server refuses a name; empty if it does not."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "its name is not valid Unicode"
    if size > MAX_NAME_BYTES:
        return f"its name is longer than {MAX_NAME_BYTES} bytes"
    if not name.isascii() and not unicodedata.is_normalized("NFC", name):
        return "its name is not in Unicode normalization form C"
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

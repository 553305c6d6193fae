"""Names in a ZIP that are safe to unpack anywhere, and the limits of one. Standard library only."""

import re

from docstore_metadata.tree.paths import MAX_NAME_BYTES, cut, with_note

MAX_ENTRIES = 200_000
MAX_PATHS_BYTES = 64 << 20
"""All paths of a ZIP together."""

_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')
"""Characters that separate paths, name a drive or a stream, or that Windows refuses in names."""
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)", re.IGNORECASE)
"""Names of devices on Windows, whatever their extension."""


def safe_name(name: str) -> str:
    """`name` as it can be unpacked on every system, inside the folder it is in."""
    clean = _FORBIDDEN.sub("_", name)
    ending = len(clean) - len(clean.rstrip(" ."))  # Windows drops these: "..", "a." and "a " would become other names
    if ending:
        clean = clean[:-ending] + "_" * ending
    if _RESERVED.match(clean.rstrip()):
        clean = "_" + clean
    return cut(clean, MAX_NAME_BYTES) or "_"


class FolderNames:
    """Gives each name in one folder once, regardless of case: some systems would overwrite one with the other."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, name: str) -> str:
        """A safe name for what is named so; with a number if it is taken."""
        wanted = free = safe_name(name)
        number = 1
        while free.casefold() in self._taken:
            number += 1
            free = with_note(wanted, str(number))
        self._taken.add(free.casefold())
        return free

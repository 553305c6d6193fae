"""Names and sizes of the contents in a bucket of backups."""

import sqlite3
import threading
from collections.abc import Iterator


class StoredContents:
    """Names and sizes of the stored contents, on disk: a bucket may have millions."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", check_same_thread=False)  # a temporary file
        self._db.execute("CREATE TABLE stored (name TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID")
        self._turn = threading.Lock()

    def begin(self, contents: Iterator[tuple[str, int]]) -> None:
        rows = ((name.removeprefix("contents/"), size) for name, size in contents)
        with self._turn, self._db:
            self._db.execute("DELETE FROM stored")
            self._db.executemany("INSERT INTO stored VALUES (?, ?)", rows)

    def size(self, name: str) -> int | None:
        with self._turn:
            found = self._db.execute("SELECT size FROM stored WHERE name = ?", (name,)).fetchone()
        return found[0] if found else None

    def add(self, name: str, size: int) -> None:
        with self._turn, self._db:
            self._db.execute("INSERT OR REPLACE INTO stored VALUES (?, ?)", (name, size))

    def close(self) -> None:
        self._db.close()

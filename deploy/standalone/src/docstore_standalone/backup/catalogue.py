"""Catalogue of copied objects and their contents, which saves copying them again in later backups.

An object is the same if key, size and ETag are the same: only packs are ever rewritten under their key.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson
import structlog

log = structlog.get_logger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS known (
    key TEXT PRIMARY KEY, size INTEGER, etag TEXT, sha256 TEXT, content_type TEXT, metadata TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listed (key TEXT PRIMARY KEY, size INTEGER, etag TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS needed (sha256 TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS protected (sha256 TEXT PRIMARY KEY, until TEXT) WITHOUT ROWID;
DELETE FROM listed;
DELETE FROM needed;
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in the store's listing; `size` in bytes."""

    key: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An object whose content is in the backup; `sha256` in hex."""

    key: str
    size: int
    sha256: str
    content_type: str
    metadata: dict[str, str]


class Catalogue:
    """A catalogue; use `opened` to open one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def list_objects(self, objects: Iterable[Listed]) -> None:
        """Record objects that are in the store now."""
        rows = [(each.key, each.size, each.etag) for each in objects]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO listed VALUES (?, ?, ?)", rows)

    def unlisted(self, keys: Sequence[str]) -> list[str]:
        """Return those of these keys that are not listed."""
        some = ",".join("?" * len(keys))
        listed = {row[0] for row in self._db.execute(f"SELECT key FROM listed WHERE key IN ({some})", keys)}
        return [key for key in keys if key not in listed]

    def known_etag(self, key: str, size: int) -> str:
        """Return the ETag with which an object of this size was copied; empty if it was not."""
        row = self._db.execute("SELECT etag FROM known WHERE key = ? AND size = ?", (key, size)).fetchone()
        return str(row[0]) if row else ""

    def figures(self) -> tuple[int, int]:
        """Return the number of listed objects and their bytes."""
        count, size = self._db.execute("SELECT count(*), coalesce(sum(size), 0) FROM listed").fetchone()
        return count, size

    def page(self, after: str, limit: int) -> list[tuple[Listed, str]]:
        """Return listed objects by key, each with the SHA-256 of its content; empty if unknown."""
        rows = self._db.execute(
            "SELECT l.key, l.size, l.etag, coalesce(k.sha256, '') FROM listed l"
            " LEFT JOIN known k ON k.key = l.key AND k.size = l.size AND k.etag = l.etag"
            " WHERE l.key > ? ORDER BY l.key LIMIT ?",
            (after, limit),
        )
        return [(Listed(key, size, etag), sha256) for key, size, etag, sha256 in rows]

    def copied(self, objects: Sequence[tuple[Stored, str]]) -> None:
        """Record copied contents, each with the ETag of the copy, which may be newer than the listing."""
        rows = [
            (each.key, each.size, etag, each.sha256, each.content_type, orjson.dumps(each.metadata).decode())
            for each, etag in objects
        ]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._db.executemany("INSERT OR REPLACE INTO listed VALUES (?, ?, ?)", [row[:3] for row in rows])

    def gone(self, key: str) -> None:
        """Record that an object was deleted from the store."""
        with self._db:
            self._db.execute("DELETE FROM listed WHERE key = ?", (key,))

    def stored(self) -> Iterator[Stored]:
        """Iterate over all listed objects by key, all of them copied."""
        rows = self._db.execute(
            "SELECT k.key, k.size, k.sha256, k.content_type, k.metadata FROM listed l JOIN known k ON k.key = l.key"
            " ORDER BY l.key"
        )
        for key, size, sha256, content_type, metadata in rows:
            yield Stored(key, size, sha256, content_type, orjson.loads(metadata))

    def forget_unlisted(self) -> None:
        with self._db:
            self._db.execute("DELETE FROM known WHERE key NOT IN (SELECT key FROM listed)")

    def unprotected(self, until: datetime) -> list[str]:
        """Return the contents of listed objects, by SHA-256, that are not protected until then."""
        rows = self._db.execute(
            "SELECT DISTINCT k.sha256 FROM listed l JOIN known k ON k.key = l.key"
            " LEFT JOIN protected p ON p.sha256 = k.sha256 WHERE p.until IS NULL OR p.until < ?",
            (until.isoformat(),),
        )
        return [sha256 for (sha256,) in rows]

    def protected(self, contents: Iterable[str], until: datetime) -> None:
        """Record that these contents are protected until then."""
        rows = ((sha256, until.isoformat()) for sha256 in contents)
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO protected VALUES (?, ?)", rows)

    def need(self, contents: Iterable[str]) -> None:
        """Record that a kept backup has these contents, by SHA-256."""
        with self._db:
            self._db.executemany("INSERT OR IGNORE INTO needed VALUES (?)", ((each,) for each in contents))

    def is_needed(self, sha256: str) -> bool:
        return self._db.execute("SELECT 1 FROM needed WHERE sha256 = ?", (sha256,)).fetchone() is not None

    def copy_to(self, path: Path) -> None:
        """Write a copy that is whole, even if a thread is writing to the catalogue."""
        with closing(sqlite3.connect(path)) as copy:
            self._db.backup(copy)


@contextmanager
def opened(path: Path) -> Iterator[Catalogue]:
    """Open the catalogue of a backup folder; if it is unreadable, start a new one and copy everything again."""
    path.touch(mode=0o600)
    with closing(_connect(path)) as connection:
        yield Catalogue(connection)


def _connect(path: Path) -> sqlite3.Connection:
    # Threads take turns, except that a cancelled backup copies the catalogue while its last thread may still write.
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        connection.executescript(SCHEMA)
    except sqlite3.DatabaseError as error:
        log.warning("backup_catalogue_unreadable", error=str(error))
        connection.close()
        path.unlink()
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, check_same_thread=False)
        connection.executescript(SCHEMA)
    return connection

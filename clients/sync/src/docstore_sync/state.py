"""State of a synced folder between runs: one SQLite file per folder, locked by one process at a time.

`synced`   entries as both sides last had them
`remote`   the account's tree at the cursor
`begun`    uploads of new versions whose end is not recorded
`removing` local copies whose deletion is not recorded
`hashed`   SHA-256 of local files by identity, valid while size, mtime and ctime are unchanged
`about`    the cursor, the server's epoch, the account's id, the identity of the folder, the selection
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from docstore_sync.model import BegunRemoval, BegunUpload, Kind, RemoteEntry, SyncedEntry
from docstore_sync.selection import Selection
from docstore_sync.state_folder import locked, state_folder

SCHEMA = """
CREATE TABLE IF NOT EXISTS synced (
    id TEXT PRIMARY KEY, parent_id TEXT, name TEXT, kind TEXT, sha256 TEXT, identity TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS remote (
    id TEXT PRIMARY KEY, parent_id TEXT, name TEXT, kind TEXT, sha256 TEXT, version INTEGER,
    size INTEGER, modified_ns INTEGER, permission TEXT, can_delete INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS begun (id TEXT PRIMARY KEY, base_version INTEGER, sha256 TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS removing (id TEXT PRIMARY KEY, path TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hashed (
    identity TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, sha256 TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
VERSION = 2
RELOAD = """
DROP TABLE IF EXISTS remote;
DELETE FROM about WHERE name = 'cursor';
"""
"""Migration of versions 0, which lacked shares, and 1, which lacked `can_delete`: reload the remote tree."""


class OtherAccount(Exception):
    """The folder is linked to another account."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """File attributes that show whether its content has changed. Nanoseconds, bytes."""

    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, stat: os.stat_result) -> "Stamp":
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class RemoteRow:
    """An entry of the account's tree with the attributes that a download needs."""

    entry: RemoteEntry
    size: int
    modified_ns: int
    permission: str = "owner"
    """The account's role: owner, editor or viewer."""
    can_delete: bool = False
    """Of a shared entry: whether the account may delete it."""

    def values(self) -> tuple[str | int, ...]:
        """Column values of the `remote` table."""
        of = self.entry
        entry = (of.id, of.parent_id, of.name, of.kind, of.sha256, of.version)
        return (*entry, self.size, self.modified_ns, self.permission, self.can_delete)


class State:
    """State of one folder; open it with `open_state`. Every change is written before the method returns."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._hashed: dict[str, tuple[Stamp, str]] = {}
        self._synced: dict[str, SyncedEntry] = {}
        self._begun: dict[str, BegunUpload] = {}
        self._removing: dict[str, BegunRemoval] = {}
        self._load()

    def _load(self) -> None:
        self._hashed = {
            identity: (Stamp(size, mtime, ctime), sha256)
            for identity, size, mtime, ctime, sha256 in self._db.execute("SELECT * FROM hashed")
        }
        rows = self._db.execute("SELECT id, parent_id, name, kind, sha256, identity FROM synced")
        self._synced = {
            id_: SyncedEntry(id_, parent, name, Kind(kind), sha, who) for id_, parent, name, kind, sha, who in rows
        }

        begun = self._db.execute("SELECT id, base_version, sha256 FROM begun")
        self._begun = {id_: BegunUpload(id_, base, sha) for id_, base, sha in begun}
        removing = self._db.execute("SELECT id, path FROM removing")
        self._removing = {id_: BegunRemoval(id_, path) for id_, path in removing}

    # --- about -------------------------------------------------------------------------------------------

    def get(self, name: str) -> str:
        """Value by name; empty if it was never set."""
        row = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return row[0] if row else ""

    def set_value(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def link(self, account_id: str) -> None:
        """Link the folder to an account, permanently. OtherAccount if it is linked to another."""
        known = self.get("account")
        if known and known != account_id:
            raise OtherAccount
        self.set_value("account", account_id)

    def selection(self) -> Selection:
        """What of the account is synced with the folder."""
        return Selection.from_json(self.get("selection"))

    # --- what was synced ---------------------------------------------------------------------------------

    def synced(self) -> list[SyncedEntry]:
        return list(self._synced.values())

    def synced_entry(self, synced_id: str) -> SyncedEntry | None:
        return self._synced.get(synced_id)

    def record(self, entry: SyncedEntry) -> None:
        values = (entry.id, entry.parent_id, entry.name, entry.kind, entry.sha256, entry.identity)
        self._db.execute("INSERT OR REPLACE INTO synced VALUES (?, ?, ?, ?, ?, ?)", values)
        self._synced[entry.id] = entry
        begun = self._begun.get(entry.id)
        if begun and begun.sha256 == entry.sha256:
            self._end_upload(entry.id)

    def forget(self, synced_id: str) -> None:
        self._db.execute("DELETE FROM synced WHERE id = ?", (synced_id,))
        self._synced.pop(synced_id, None)
        self._end_upload(synced_id)
        self.end_removal(synced_id)

    def forget_all(self) -> None:
        """Forget all synced entries."""
        self._db.execute("DELETE FROM synced")
        self._db.execute("DELETE FROM begun")
        self._db.execute("DELETE FROM removing")
        self._synced.clear()
        self._begun.clear()
        self._removing.clear()

    # --- uploads that were begun -------------------------------------------------------------------------

    def begun_uploads(self) -> list[BegunUpload]:
        return list(self._begun.values())

    def begin_upload(self, upload: BegunUpload) -> None:
        values = (upload.id, upload.base_version, upload.sha256)
        self._db.execute("INSERT OR REPLACE INTO begun VALUES (?, ?, ?)", values)
        self._begun[upload.id] = upload

    def _end_upload(self, file_id: str) -> None:
        if self._begun.pop(file_id, None):
            self._db.execute("DELETE FROM begun WHERE id = ?", (file_id,))

    # --- removals that were begun ------------------------------------------------------------------------

    def begun_removals(self) -> list[BegunRemoval]:
        return list(self._removing.values())

    def begin_removal(self, removal: BegunRemoval) -> None:
        self._db.execute("INSERT OR REPLACE INTO removing VALUES (?, ?)", (removal.id, removal.path))
        self._removing[removal.id] = removal

    def end_removal(self, synced_id: str) -> None:
        if self._removing.pop(synced_id, None):
            self._db.execute("DELETE FROM removing WHERE id = ?", (synced_id,))

    # --- hashes ------------------------------------------------------------------------------------------

    def hash_of(self, identity: str, stamp: Stamp) -> str:
        """Stored hash of a file; empty if the file has changed."""
        known = self._hashed.get(identity)
        return known[1] if known and known[0] == stamp else ""

    def keep_hashes(self, found: Iterable[tuple[str, Stamp, str]]) -> None:
        rows = list(found)
        self._hashed.update({identity: (stamp, sha256) for identity, stamp, sha256 in rows})
        values = [(each, stamp.size, stamp.mtime_ns, stamp.ctime_ns, sha256) for each, stamp, sha256 in rows]
        with self.transaction():
            self._db.executemany("INSERT OR REPLACE INTO hashed VALUES (?, ?, ?, ?, ?)", values)

    def keep_only_hashes_of(self, identities: set[str]) -> None:
        gone = [(identity,) for identity in self._hashed if identity not in identities]
        for (identity,) in gone:
            del self._hashed[identity]
        with self.transaction():
            self._db.executemany("DELETE FROM hashed WHERE identity = ?", gone)

    # --- the account's tree ------------------------------------------------------------------------------

    def remote(self) -> list[RemoteRow]:
        rows = self._db.execute("SELECT * FROM remote")
        return [
            RemoteRow(
                RemoteEntry(id_, parent, name, Kind(kind), sha256, version), size, at, permission, bool(deletable)
            )
            for id_, parent, name, kind, sha256, version, size, at, permission, deletable in rows
        ]

    def put_remote(self, rows: Iterable[RemoteRow]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO remote VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [row.values() for row in rows],
        )

    def remove_remote(self, node_ids: Iterable[str]) -> None:
        self._db.executemany("DELETE FROM remote WHERE id = ?", [(node_id,) for node_id in node_ids])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write the changes of a block in one transaction."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:  # whatever failed, the transaction must end
            if self._db.in_transaction:  # SQLite may have rolled back already when the disk is full
                self._db.execute("ROLLBACK")
            self._load()
            raise


@contextmanager
def open_state(folder: Path) -> Iterator[State]:
    """Open the state of a synced folder for this process. FolderInUse if another process has it.

    OSError if it can't be read or written, on opening or in the block.
    """
    home = state_folder(folder)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(home / "lock"):
        connection = sqlite3.connect(home / "state.sqlite", isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            _bring_up_to_date(connection)
            yield State(connection)
        except sqlite3.OperationalError as error:
            raise OSError(f"{home}: {error}") from error
        finally:
            connection.close()


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    connection.executescript(SCHEMA)
    if connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
        connection.executescript(f"BEGIN; {RELOAD} {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT")


def read_selection(folder: Path) -> Selection:
    """Return the kept selection of a folder, also while another process syncs it."""
    place = state_folder(folder) / "state.sqlite"
    if not place.exists():
        return Selection()
    with closing(sqlite3.connect(f"{place.as_uri()}?mode=ro", uri=True)) as connection:
        row = connection.execute("SELECT value FROM about WHERE name = 'selection'").fetchone()
    return Selection.from_json(row[0] if row else "")

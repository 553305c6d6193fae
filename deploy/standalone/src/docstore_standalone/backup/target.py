"""The folder of backups.

docstore-backups.json       marks it as a folder of backups
lock                        held by the command that uses it
contents/ab/ab12...         contents of all backups by SHA-256, never stored twice or overwritten
catalogue.sqlite            content of each of the store's objects, as last seen; may be lost
backups/20261122T080000Z/   one backup: parts of the databases, list of objects, and last the manifest; ordered by name
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import orjson

from docstore_standalone.backup.files import make_folder, sha256_of
from docstore_standalone.backup.manifest import FORMAT, MANIFEST, BackupDamaged, BackupRefused
from docstore_standalone.state import write_private

MARK = "docstore-backups.json"


class Target:
    """A folder of backups. Methods that change it need it `locked`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.backups = folder / "backups"
        self.catalogue = folder / "catalogue.sqlite"
        self._contents = folder / "contents"

    @classmethod
    def existing(cls, folder: Path) -> "Target":
        """Open a folder; BackupRefused if it is no folder of backups, or one of another version."""
        try:
            mark = orjson.loads((folder / MARK).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            raise BackupRefused(f"{folder} is not a folder of backups: it has no {MARK}") from None
        except (OSError, orjson.JSONDecodeError) as error:
            raise BackupDamaged(f"{folder / MARK} can't be read: {error}") from error
        if not isinstance(mark, dict) or mark.get("format") != FORMAT:
            raise BackupRefused(f"{folder} contains backups of another version of DocStore: {mark}")
        return cls(folder)

    @classmethod
    def prepared(cls, folder: Path) -> "Target":
        """Open or create a folder; BackupRefused if it has other contents or another version."""
        try:
            if folder.exists() and any(name != MARK + ".new" for name in os.listdir(folder)):
                return cls.existing(folder)
            make_folder(folder)
            write_private(folder / MARK, orjson.dumps({"format": FORMAT}).decode())
        except NotADirectoryError:
            raise BackupRefused(f"{folder} is not a folder") from None
        except BackupRefused as error:
            raise BackupRefused(f"{error}; choose an empty folder") from None
        return cls(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder; BackupRefused if another command uses it."""
        with open(os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupRefused(f"another backup is being written to {self.folder}") from None
            yield

    def names(self) -> list[str]:
        """Return the complete backups, oldest first."""
        found = self.backups.iterdir() if self.backups.exists() else ()
        return sorted(each.name for each in found if (each / MANIFEST).exists())

    def choose(self, name: str | None) -> Path:
        """Return the folder of a backup, by default of the newest; BackupRefused if there is none."""
        names = self.names()
        if not names:
            raise BackupRefused(f"there is no complete backup in {self.folder}")
        if name is not None and name not in names:
            raise BackupRefused(f"there is no backup {name} in {self.folder}; there is {', '.join(names)}")
        return self.backups / (name or names[-1])

    def begin(self, moment: datetime) -> Path:
        """Create the empty folder of a new backup, named after all others; remove unfinished ones."""
        whole = self.names()
        for left in make_folder(self.backups).iterdir():
            if left.name not in whole:
                shutil.rmtree(left)
        return make_folder(self.backups / _name(moment, after=whole[-1] if whole else ""))

    def remove(self, name: str) -> None:
        """Remove a backup, except contents shared with others. If interrupted, it is no longer a complete backup."""
        (self.backups / name / MANIFEST).unlink()
        shutil.rmtree(self.backups / name)

    def content(self, sha256: str) -> Path:
        return self._contents / sha256[:2] / sha256

    def quarantine(self, sha256: str) -> None:
        """Rename a damaged content, so that it counts as missing."""
        path = self.content(sha256)
        if path.exists() and sha256_of(path) != sha256:
            path.rename(path.with_name(f"{sha256}.damaged"))

    @property
    def drafts(self) -> Path:
        """Folder of contents under construction."""
        return self._contents / "drafts"

    def contents(self) -> Iterator[Path]:
        """Iterate over all contents, including unfinished and renamed ones."""
        for folder in sorted(self._contents.iterdir()) if self._contents.exists() else ():
            yield from folder.iterdir()


def _name(moment: datetime, after: str) -> str:
    """Name by time, or numbered after the newest, so that a changed clock does not reorder backups."""
    name = f"{moment:%Y%m%dT%H%M%SZ}"
    if name > after:
        return name
    newest, _, number = after.partition("+")
    return f"{newest}+{int(number or 0) + 1:06}"

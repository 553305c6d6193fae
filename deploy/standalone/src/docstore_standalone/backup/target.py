"""The folder that backups are kept in.

docstore-backups.json       what makes it one
lock                        held by the command that works on it
contents/ab/ab12...         contents by their SHA-256, of all backups: none is there twice, none is written over
catalogue.sqlite            which object of the store had which content when it was last looked at; may be lost
backups/20261122T080000Z/   one backup: the databases' parts, its list of objects, and last its manifest. By their names
                            they are in the order in which they were taken
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
    """A folder of backups. The methods that change it are for who has it `locked`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.backups = folder / "backups"
        self.catalogue = folder / "catalogue.sqlite"
        self._contents = folder / "contents"

    @classmethod
    def existing(cls, folder: Path) -> "Target":
        """BackupRefused if it is no folder of backups, or one of another version."""
        try:
            mark = orjson.loads((folder / MARK).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            raise BackupRefused(f"{folder} is no folder of backups: there is no {MARK} in it") from None
        except (OSError, orjson.JSONDecodeError) as error:
            raise BackupDamaged(f"{folder / MARK} can't be read: {error}") from error
        if not isinstance(mark, dict) or mark.get("format") != FORMAT:
            raise BackupRefused(f"{folder} holds backups of another version of DocStore: {mark}")
        return cls(folder)

    @classmethod
    def prepared(cls, folder: Path) -> "Target":
        """One that may be new; BackupRefused if something else is in it, or if it is of another version."""
        try:
            if folder.exists() and any(name != MARK + ".new" for name in os.listdir(folder)):
                return cls.existing(folder)
            make_folder(folder)
            write_private(folder / MARK, orjson.dumps({"format": FORMAT}).decode())
        except NotADirectoryError:
            raise BackupRefused(f"{folder} is no folder") from None
        except BackupRefused as error:
            raise BackupRefused(f"{error}; choose an empty folder") from None
        return cls(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """BackupRefused if another command works on it."""
        with open(os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupRefused(f"another backup is being written to {self.folder}") from None
            yield

    def names(self) -> list[str]:
        """The whole backups, the oldest first."""
        found = self.backups.iterdir() if self.backups.exists() else ()
        return sorted(each.name for each in found if (each / MANIFEST).exists())

    def choose(self, name: str | None) -> Path:
        """The folder of a backup, the newest if it is not named; BackupRefused if there is none."""
        names = self.names()
        if not names:
            raise BackupRefused(f"there is no whole backup in {self.folder}")
        if name is not None and name not in names:
            raise BackupRefused(f"there is no backup {name} in {self.folder}; there are {', '.join(names)}")
        return self.backups / (name or names[-1])

    def begin(self, moment: datetime) -> Path:
        """The empty folder of a new backup, which is the newest by its name; what was begun and never finished goes."""
        whole = self.names()
        for left in make_folder(self.backups).iterdir():
            if left.name not in whole:
                shutil.rmtree(left)
        return make_folder(self.backups / _name(moment, after=whole[-1] if whole else ""))

    def remove(self, name: str) -> None:
        """A backup; what it shares with others stays. Cut off, it is no whole backup any more."""
        (self.backups / name / MANIFEST).unlink()
        shutil.rmtree(self.backups / name)

    def content(self, sha256: str) -> Path:
        return self._contents / sha256[:2] / sha256

    def set_aside(self, sha256: str) -> None:
        """A content that is not what its name says has another name from now on: it is not there any more."""
        path = self.content(sha256)
        if path.exists() and sha256_of(path) != sha256:
            path.rename(path.with_name(f"{sha256}.damaged"))

    @property
    def drafts(self) -> Path:
        """Where contents are written before they have their names."""
        return self._contents / "drafts"

    def contents(self) -> Iterator[Path]:
        """Every content that is there, what was begun of some, and what was set aside."""
        for folder in sorted(self._contents.iterdir()) if self._contents.exists() else ():
            yield from folder.iterdir()


def _name(moment: datetime, after: str) -> str:
    """By the moment, or numbered after the newest: a clock that was once ahead makes no later backup an older one."""
    name = f"{moment:%Y%m%dT%H%M%SZ}"
    if name > after:
        return name
    newest, _, number = after.partition("+")
    return f"{newest}+{int(number or 0) + 1:06}"

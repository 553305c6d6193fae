"""A folder of backups, which only its owner can read."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

import orjson

from docstore_standalone.backup.catalogue import Catalogue, opened
from docstore_standalone.backup.manifest import FORMAT, MANIFEST, BackupDamaged, BackupRefused, Manifest
from docstore_standalone.backup.places.files import check_part, create, make_folder, sha256_of, sync_folder
from docstore_standalone.backup.places.target import CATALOGUE, MARK, backup_name, check_mark
from docstore_standalone.state import write_private


class FolderTarget:
    """`Target` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = str(folder)
        self._backups = folder / "backups"
        self._contents = folder / "contents"
        self._logs = folder / "oplog"
        self.drafts = self._contents / "drafts"

    @classmethod
    def existing(cls, folder: Path) -> "FolderTarget":
        """Open a folder; BackupRefused if it is no folder of backups, or one of another version."""
        try:
            mark = orjson.loads((folder / MARK).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            raise BackupRefused(f"{folder} is not a folder of backups: it has no {MARK}") from None
        except (OSError, orjson.JSONDecodeError) as error:
            raise BackupDamaged(f"{folder / MARK} can't be read: {error}") from error
        check_mark(mark, str(folder))
        return cls(folder)

    @classmethod
    def prepared(cls, folder: Path) -> "FolderTarget":
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
        with open(os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupRefused(f"another backup is being written to {self.folder}") from None
            yield

    def catalogue(self) -> AbstractContextManager[Catalogue]:
        return opened(self.folder / CATALOGUE)

    def store_catalogue(self, known: Catalogue) -> None:
        """Nothing: it is in the folder."""

    def names(self) -> list[str]:
        found = self._backups.iterdir() if self._backups.exists() else ()
        return sorted(each.name for each in found if (each / MANIFEST).exists())

    def location(self, name: str) -> str:
        return str(self.open(name))

    def begin(self, moment: datetime) -> Path:
        whole = self.names()
        for left in make_folder(self._backups).iterdir():
            if left.name not in whole:
                shutil.rmtree(left)
        return make_folder(self._backups / backup_name(moment, after=whole[-1] if whole else ""))

    def finish(self, here: Path, manifest: Manifest) -> None:
        os.sync()  # all contents and parts before the manifest, which makes them a backup
        manifest.write(here)
        sync_folder(here)

    def open(self, name: str, only: Sequence[str] = ()) -> Path:
        return self._backups / name

    def check(self, name: str, manifest: Manifest) -> None:
        for part in manifest.parts:
            check_part(self.open(name), part)

    def remove(self, name: str) -> None:
        (self._backups / name / MANIFEST).unlink()
        shutil.rmtree(self._backups / name)

    def content(self, sha256: str) -> Path:
        return self._contents / sha256[:2] / sha256

    def has(self, sha256: str, size: int) -> bool:
        try:
            return self.content(sha256).stat().st_size == size
        except FileNotFoundError:
            return False

    def add(self, draft: Path, sha256: str) -> None:
        path = self.content(sha256)
        make_folder(path.parent)
        draft.rename(path)

    def fetch(self, sha256: str) -> Path:
        return self.content(sha256)

    def release(self, path: Path) -> None:
        """Nothing: it is the content itself."""

    def retain(self, known: Catalogue) -> None:
        """Nothing: a folder can't protect its files against its owner."""

    def contents(self) -> Iterator[str]:
        for folder in sorted(self._contents.iterdir()) if self._contents.exists() else ():
            for path in folder.iterdir():
                yield f"{folder.name}/{path.name}"

    def delete_contents(self, names: list[str]) -> None:
        for name in names:
            (self._contents / name).unlink()

    def quarantine(self, sha256: str) -> None:
        path = self.content(sha256)
        if path.exists() and sha256_of(path) != sha256:
            path.rename(path.with_name(f"{sha256}.damaged"))

    def logs(self) -> list[str]:
        return os.listdir(self._logs) if self._logs.exists() else []

    def add_log(self, draft: Path, name: str, sha256: str) -> None:
        beside = make_folder(self._logs) / f"{name}.new"
        with create(beside) as file:
            file.write(draft.read_bytes())
            file.flush()
            os.fsync(file.fileno())
        beside.rename(self._logs / name)
        sync_folder(self._logs)

    def log(self, name: str) -> Path:
        return self._logs / name

    def remove_logs(self, names: Sequence[str]) -> None:
        for name in names:
            (self._logs / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing: there are no copies."""

"""Single steps on the disk that never take the place of something that has changed since it was looked at."""

import asyncio
import ctypes
import errno
import os
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from docstore_sync.model import Kind
from docstore_sync.scan import PARTS, identity_of
from docstore_sync.state import Stamp, State
from docstore_sync.steps import StepFailed

NO_REPLACE, EXCHANGE = 1, 2
AT_FDCWD = -100
UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
FEW = 8
"""So many files are brought to the disk one by one."""
CHANGED = "it has changed meanwhile"

_libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
_renameat2 = getattr(_libc, "renameat2", None)
_syncfs = getattr(_libc, "syncfs", None)


class Disk:
    """The synced folder. Paths as in `a/b`."""

    def __init__(self, folder: Path, state: State) -> None:
        self.folder = folder
        self._state = state
        self.parts = folder / PARTS
        self.touched: set[str] = set()
        """Where something was done since this was last emptied."""
        self._unsettled: set[str] = set()
        """Folders with names that a power cut might still take back."""

    def at(self, path: str) -> Path:
        return self.folder / path

    def check(self, path: str, identity: str, sha256: str | None = None) -> os.stat_result:
        """What is at a path, if that is still this file or folder, with this content if one is given."""
        try:
            found = os.lstat(self.at(path))
        except OSError:
            raise StepFailed(CHANGED) from None
        if identity_of(found) != identity:
            raise StepFailed(CHANGED)
        if sha256 is not None and self._state.hash_of(identity, Stamp.of(found)) != sha256:
            raise StepFailed(CHANGED)
        return found

    def move(self, path: str, identity: str, target: str) -> None:
        self._touch(path, target)
        found = self.check(path, identity)
        sha256 = self._state.hash_of(identity, Stamp.of(found))
        move_without_replacing(self.at(path), self.at(target))
        self.know(target, sha256)

    def know(self, path: str, sha256: str) -> str:
        """Keep the hash of a file that has just been put in place; its identity."""
        found = os.lstat(self.at(path))
        if sha256:
            self._state.keep_hashes([(identity_of(found), Stamp.of(found), sha256)])
        return identity_of(found)

    def make_folder(self, path: str) -> str:
        self._touch(path)
        os.mkdir(self.at(path))
        return identity_of(os.lstat(self.at(path)))

    def delete(self, path: str, kind: Kind, identity: str, sha256: str) -> None:
        """A file is moved away and looked at again first, so that what is written at this moment is not lost."""
        self._touch(path)
        if kind is Kind.FOLDER:
            self.check(path, identity)
            os.rmdir(self.at(path))
            self._unsettled.discard(path)
            return
        before = self.check(path, identity, sha256)
        away = self.part(f"deleted-{identity.replace(':', '-')}")
        os.rename(self.at(path), away)
        if _changed(before, os.lstat(away)):
            move_without_replacing(away, self.at(path))
            raise StepFailed(CHANGED)
        os.unlink(away)

    def put(self, whole: Path, path: str, sha256: str, replaces: tuple[str, str] | None) -> str:
        """Put a file that is whole into its place; its identity."""
        self._touch(path)
        target = self.at(path)
        if replaces is None:
            move_without_replacing(whole, target)
            return self.know(path, sha256)
        before = self.check(path, *replaces)
        os.chmod(whole, before.st_mode & 0o7777)
        if not _exchange(whole, target):
            os.replace(whole, target)
        elif _changed(before, os.lstat(whole)):
            _exchange(whole, target)
            whole.unlink()
            raise StepFailed(CHANGED)
        else:
            whole.unlink()
        return self.know(path, sha256)

    def together(self) -> AbstractContextManager[None]:
        """What is kept of the files in the block is kept all at once."""
        return self._state.together()

    def finish(self, wholes: Sequence[tuple[Path, int]]) -> None:
        """Give files their times, and bring them to the disk for good before they get their names.

        After a power cut there is the old file or the new one. Times in nanoseconds.
        """
        for whole, modified_ns in wholes:
            os.utime(whole, ns=(modified_ns, modified_ns))
        if len(wholes) <= FEW or not _sync_all(self.parts):
            for whole, _ in wholes:
                with whole.open("rb+") as file:
                    os.fsync(file.fileno())

    async def settle(self) -> None:
        """Bring the names that steps have given and taken until now to the disk for good. OSError."""
        unsettled, self._unsettled = self._unsettled, set()
        try:
            await asyncio.to_thread(_sync_folders, self.folder, [self.at(path) for path in unsettled])
        except BaseException:
            self._unsettled |= unsettled
            raise

    def _touch(self, *paths: str) -> None:
        self.touched |= set(paths)
        self._unsettled |= {path.rpartition("/")[0] for path in paths}

    def part(self, name: str) -> Path:
        """A path for what is not yet, or no longer, in the tree."""
        return self.make_parts() / name

    def make_parts(self) -> Path:
        """The folder of such paths, which somebody may have deleted."""
        self.parts.mkdir(exist_ok=True)
        return self.parts

    def ignores_case(self) -> bool | None:
        """Whether it takes two spellings for one name: seen by what is there, or else tried; None if it can't be."""
        try:
            with os.scandir(self.folder) as entries:
                name = next((entry.name for entry in entries if _has_case(entry.name)), "")
            if name:
                return self._is_one(name)
            self.make_parts()
            try:
                return self._is_one(PARTS)
            finally:
                self.parts.rmdir()
        except OSError:
            return None

    def _is_one(self, name: str) -> bool:
        try:
            return os.path.samefile(self.at(name), self.at(name.swapcase()))
        except FileNotFoundError:
            return False

    def room(self) -> int:
        """Bytes that are free."""
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return 0

    def clean(self) -> None:
        """What has been left behind of downloads and deletions is of no more use."""
        shutil.rmtree(self.parts, ignore_errors=True)


def _sync_all(folder: Path) -> bool:
    """Everything on the folder's disk at once, where the system can."""
    if _syncfs is None:
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return bool(_syncfs(descriptor) == 0)
    finally:
        os.close(descriptor)


def _sync_folders(top: Path, folders: Sequence[Path]) -> None:
    """The names in folders of one disk. Where one was moved to that is gone only the system knows."""
    if os.name == "nt":  # has no such thing
        return
    if len(folders) > FEW and _sync_all(top):
        return
    gone = [folder for folder in folders if not _sync_names(folder)]
    if gone:
        os.sync()


def _sync_names(folder: Path) -> bool:
    """Whether there is such a folder to be opened."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    finally:
        os.close(descriptor)
    return True


def _has_case(name: str) -> bool:
    """Letters that have but one other spelling."""
    return name.isascii() and name != name.swapcase()


def _changed(before: os.stat_result, now: os.stat_result) -> bool:
    return (before.st_ino, before.st_size, before.st_mtime_ns) != (now.st_ino, now.st_size, now.st_mtime_ns)


def move_without_replacing(path: Path, target: Path) -> None:
    """StepFailed if there is something at the target; atomically so where the system can."""
    if _rename(path, target, NO_REPLACE):
        return
    try:
        taken = not os.path.samestat(os.lstat(path), os.lstat(target))
    except FileNotFoundError:
        taken = False
    if taken:
        raise StepFailed("its place is taken")
    os.rename(path, target)


def _exchange(path: Path, target: Path) -> bool:
    return _rename(path, target, EXCHANGE)


def _rename(path: Path, target: Path, flags: int) -> bool:
    """Linux's renameat2; False where there is none."""
    if _renameat2 is None:
        return False
    if _renameat2(AT_FDCWD, os.fsencode(path), AT_FDCWD, os.fsencode(target), flags) == 0:
        return True
    code = ctypes.get_errno()
    if code in UNSUPPORTED:
        return False
    if code == errno.EEXIST:
        raise StepFailed("its place is taken")
    raise OSError(code, os.strerror(code), str(target))

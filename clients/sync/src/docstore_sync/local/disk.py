"""File operations on the synced folder that never overwrite a file changed since the scan."""

import asyncio
import ctypes
import errno
import os
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from docstore_sync.local.scan import PARTS, identity_of, tick_left_ns
from docstore_sync.model import Kind
from docstore_sync.state import Stamp, State
from docstore_sync.steps import StepFailed

NO_REPLACE, EXCHANGE = 1, 2
AT_FDCWD = -100
UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
FEW = 8
"""Up to this number, files are flushed one by one."""
CHANGED = "it has changed in the meantime"

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
        """Paths changed by this class since the set was last cleared."""
        self._unflushed: set[str] = set()
        """Folders with new or removed names that are not flushed yet."""

    def at(self, path: str) -> Path:
        return self.folder / path

    def exists(self, path: str) -> bool:
        """Whether a path is there, or may be: its folder can't be read."""
        try:
            os.lstat(self.at(path))
        except OSError as error:
            return not isinstance(error, FileNotFoundError | NotADirectoryError)
        return True

    def check(self, path: str, identity: str, sha256: str | None = None) -> os.stat_result:
        """Return the stat of a path. StepFailed if its identity, or its content if given, has changed."""
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
        """Store the hash of a file that was just put in place. Return its identity.

        The next scan reads a file that was modified just now: another write may leave its times as they are.
        """
        found = os.lstat(self.at(path))
        if sha256 and not tick_left_ns(found.st_mtime_ns):
            self._state.keep_hashes([(identity_of(found), Stamp.of(found), sha256)])
        return identity_of(found)

    def make_folder(self, path: str) -> str:
        self._touch(path)
        os.mkdir(self.at(path))
        return identity_of(os.lstat(self.at(path)))

    def delete(self, path: str, kind: Kind, identity: str, sha256: str) -> None:
        """Delete a file or an empty folder. A file is moved away and checked again first, to keep concurrent writes."""
        self._touch(path)
        if kind is Kind.FOLDER:
            self.check(path, identity)
            os.rmdir(self.at(path))
            self._unflushed.discard(path)
            return
        before = self.check(path, identity, sha256)
        away = self.part(f"deleted-{identity.replace(':', '-')}")
        os.rename(self.at(path), away)
        if _changed(before, os.lstat(away)):
            move_without_replacing(away, self.at(path))
            raise StepFailed(CHANGED)
        os.unlink(away)

    def put(self, whole: Path, path: str, sha256: str, replaces: tuple[str, str] | None) -> str:
        """Move a complete file to its path. Return its identity."""
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

    def transaction(self) -> AbstractContextManager[None]:
        """Store hashes and other state of a block in one transaction."""
        return self._state.transaction()

    def finish(self, wholes: Sequence[tuple[Path, int]]) -> None:
        """Set modification times (nanoseconds) and flush files before they are renamed to their final names.

        After a power cut, either the old or the new file exists.
        """
        for whole, modified_ns in wholes:
            os.utime(whole, ns=(modified_ns, modified_ns))
        if len(wholes) <= FEW or not _sync_all(self.parts):
            for whole, _ in wholes:
                with whole.open("rb+") as file:
                    os.fsync(file.fileno())

    async def flush_names(self) -> None:
        """Flush the names that steps have added or removed. OSError."""
        unflushed, self._unflushed = self._unflushed, set()
        try:
            await asyncio.to_thread(_sync_folders, self.folder, [self.at(path) for path in unflushed])
        except BaseException:  # also when cancelled: these names must be flushed later
            self._unflushed |= unflushed
            raise

    def _touch(self, *paths: str) -> None:
        self.touched |= set(paths)
        self._unflushed |= {path.rpartition("/")[0] for path in paths}

    def part(self, name: str) -> Path:
        """Path for a file that is not yet, or no longer, in the tree."""
        return self.make_parts() / name

    def make_parts(self) -> Path:
        """Create the folder for such files if it is missing."""
        self.parts.mkdir(exist_ok=True)
        return self.parts

    def room(self) -> int:
        """Free bytes on the disk."""
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return 0

    def clean(self) -> None:
        """Remove leftovers of downloads and deletions."""
        shutil.rmtree(self.parts, ignore_errors=True)


def ignores_case(folder: Path) -> bool | None:
    """Whether a folder's disk ignores case: detected from existing names, or by trying; None if unknown."""
    try:
        with os.scandir(folder) as entries:
            name = next((entry.name for entry in entries if _has_case(entry.name)), "")
        if name:
            return _is_one(folder, name)
        (folder / PARTS).mkdir(exist_ok=True)
        try:
            return _is_one(folder, PARTS)
        finally:
            (folder / PARTS).rmdir()
    except OSError:
        return None


def _is_one(folder: Path, name: str) -> bool:
    """Whether a name and the one with swapped case are one file."""
    try:
        return os.path.samefile(folder / name, folder / name.swapcase())
    except FileNotFoundError:
        return False


def _sync_all(folder: Path) -> bool:
    """Flush the whole disk of the folder, where the system can."""
    if _syncfs is None:
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return bool(_syncfs(descriptor) == 0)
    finally:
        os.close(descriptor)


def _sync_folders(top: Path, folders: Sequence[Path]) -> None:
    """Flush the names in folders of one disk. If a folder has disappeared, flush the whole file system."""
    if os.name == "nt":  # not supported by the system
        return
    if len(folders) > FEW and _sync_all(top):
        return
    gone = [folder for folder in folders if not _sync_names(folder)]
    if gone:
        os.sync()


def _sync_names(folder: Path) -> bool:
    """Flush the names in a folder. False if the folder can't be opened."""
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
    """Whether a name has letters with exactly one other case."""
    return name.isascii() and name != name.swapcase()


def _changed(before: os.stat_result, now: os.stat_result) -> bool:
    return (before.st_ino, before.st_size, before.st_mtime_ns) != (now.st_ino, now.st_size, now.st_mtime_ns)


def move_without_replacing(path: Path, target: Path) -> None:
    """Move a file; StepFailed if the target exists. Atomic where the system supports it."""
    if _rename(path, target, NO_REPLACE):
        return
    try:
        taken = not os.path.samestat(os.lstat(path), os.lstat(target))
    except FileNotFoundError:
        taken = False
    if taken:
        raise StepFailed("its name is taken")
    os.rename(path, target)


def _exchange(path: Path, target: Path) -> bool:
    return _rename(path, target, EXCHANGE)


def _rename(path: Path, target: Path, flags: int) -> bool:
    """Linux's renameat2; False where it is unavailable."""
    if _renameat2 is None:
        return False
    if _renameat2(AT_FDCWD, os.fsencode(path), AT_FDCWD, os.fsencode(target), flags) == 0:
        return True
    code = ctypes.get_errno()
    if code in UNSUPPORTED:
        return False
    if code == errno.EEXIST:
        raise StepFailed("its name is taken")
    raise OSError(code, os.strerror(code), str(target))

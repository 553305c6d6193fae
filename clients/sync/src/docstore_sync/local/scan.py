"""Scans the folder: names and stamps of all entries, contents only of changed files.

Symbolic links, devices, sockets and pipes are not synced and not followed. Paths that match `.docstoreignore` (patterns
as in .gitignore) and DocStore's own files are not synced either. All of these are left in place: nothing overwrites
them, and a folder that contains one is not deleted.
"""

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

from docstore_sync.model import OUTSIDE, Kind, LocalEntry, SkippedPath
from docstore_sync.selection import Selection, is_pattern
from docstore_sync.state import Stamp, State
from docstore_sync.state_folder import own_folders

IGNORE_FILE = ".docstoreignore"
PARTS = ".docstore-parts"
"""Folder for incomplete downloads."""
ALWAYS_IGNORED = (".DS_Store", "Thumbs.db", "desktop.ini", "~$*", ".~lock.*#")
HASHING_THREADS = 2
PIECE = 1 << 20
TICK_NS = 12_000_000
"""Clock resolution of file times: two writes within it get the same time."""
COARSE_TICK_NS = 2_000_000_000 + TICK_NS
"""The same on disks that store whole seconds: FAT every other one; HFS+, ext3 and small inodes of ext4 each."""
NOTHING = LocalEntry(Kind.OTHER)


class FolderMissing(Exception):
    """The folder does not exist or can't be read."""


@dataclass(slots=True)
class Scan:
    """Entries of the folder by path, as in `a/b`."""

    entries: dict[str, LocalEntry] = field(default_factory=dict)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    busy: bool = False
    """A file changed while it was read: scan again soon."""
    not_rules: list[SkippedPath] = field(default_factory=list)
    """Invalid lines of the ignore file."""


@dataclass(slots=True)
class Ignore:
    """What is not synced: by the folder's ignore file, built-in patterns, and the selection.

    Invalid lines are skipped, as in git.
    """

    spec: GitIgnoreSpec
    own: tuple[str, ...]
    """DocStore's own paths, with a trailing slash; no pattern includes them."""
    not_rules: list[SkippedPath]
    selection: Selection = field(default_factory=Selection)

    @classmethod
    def of(cls, folder: Path, selection: Selection | None = None) -> "Ignore":
        """Read the rules of a folder. OSError if its ignore file can't be read."""
        rules, not_rules = list(ALWAYS_IGNORED), []
        for number, line in enumerate(_ignore_lines(folder), 1):
            if is_pattern(line):
                rules.append(line)
            else:
                not_rules.append(SkippedPath(IGNORE_FILE, f"line {number} is no pattern: {line}"))
        own = tuple(f"{path}/" for path in own_paths(folder))
        return cls(GitIgnoreSpec.from_lines(rules), own, not_rules, selection or Selection())

    def __call__(self, path: str, is_folder: bool) -> bool:
        is_own = f"{path}/".startswith(self.own)
        is_named = is_own or self.spec.match_file(f"{path}/" if is_folder else path)
        return is_named or self.selection.filters.leaves_out(path, is_folder)


def _ignore_lines(folder: Path) -> list[str]:
    """Lines of the ignore file; none if there is no such file.

    OSError if it can't be read: without its patterns, what it excludes would be uploaded.
    """
    place = folder / IGNORE_FILE
    try:
        return place.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        if place.is_symlink():  # its target may be on a disk that is not mounted
            raise
        return []
    except OSError:  # for a folder: IsADirectoryError, on Windows PermissionError
        if place.is_dir():
            return []
        raise


def own_paths(folder: Path) -> list[str]:
    """DocStore's own paths in a folder, as in `a/b`; a home directory contains its state and the log-in."""
    top = folder.resolve()
    places = [place.resolve() for place in own_folders()]
    return [PARTS, *(place.relative_to(top).as_posix() for place in places if top in place.parents)]


def identity_of(found: os.stat_result) -> str:
    return f"{found.st_dev:x}:{found.st_ino:x}"


def scan(folder: Path, state: State, ignored: Ignore, progress: Callable[[int], None] = lambda _: None) -> Scan:
    """Scan the whole folder. `progress` receives the number of bytes read. FolderMissing."""
    found = Scan(not_rules=ignored.not_rules)
    _scan_folders([(os.fspath(folder), "")], folder, found, state, ignored, progress)
    return found


def scan_again(folder: Path, before: Scan, paths: Iterable[str], state: State, ignored: Ignore) -> Scan:
    """Scan only `paths` and below, and take the rest from `before`."""
    found = Scan(dict(before.entries), dict(before.stamps), not_rules=ignored.not_rules)
    places: list[tuple[str, str]] = []
    unknown: list[str] = []
    tops = {_topmost_unknown(path, before) for path in paths}
    for path in tops:
        if not tops.isdisjoint(_above(path)):
            continue
        if path in found.entries:
            gone = [path]
            if found.entries[path].kind is not Kind.FILE:
                gone += [each for each in found.entries if each.startswith(path + "/")]
            for each in gone:
                del found.entries[each]
                found.stamps.pop(each, None)
        above = path.rpartition("/")[0]
        if above and found.entries.get(above, NOTHING).kind is not Kind.FOLDER:
            continue
        place = os.path.join(folder, path)
        if _note(place, path, found, state, ignored, unknown):
            places.append((place, path + "/"))
    _scan_folders(places, folder, found, state, ignored, lambda _: None, unknown)
    return found


def _above(path: str) -> Iterator[str]:
    """Parent folders, nearest first."""
    while path := path.rpartition("/")[0]:
        yield path


def _topmost_unknown(path: str, before: Scan) -> str:
    """The path, or its topmost parent folder that the last scan did not contain."""
    for above in _above(path):
        if above in before.entries:
            break
        path = above
    return path


def _scan_folders(
    waiting: list[tuple[str, str]],
    folder: Path,
    found: Scan,
    state: State,
    ignored: Ignore,
    progress: Callable[[int], None],
    unknown: list[str] | None = None,
) -> None:
    """Scan the folders in `waiting`, pairs of place and path with a slash, and hash their files and `unknown`."""
    unknown = unknown or []
    while waiting:
        place, prefix = waiting.pop()
        try:
            with os.scandir(place) as listing:
                children = list(listing)
        except OSError as error:
            if not prefix:
                raise FolderMissing(f"{folder} can't be read: {error.strerror}") from error
            found.entries[prefix[:-1]] = _troubled(found.entries[prefix[:-1]], error)
            continue
        for child in children:
            path = prefix + child.name
            if _note(child.path, path, found, state, ignored, unknown):
                waiting.append((child.path, path + "/"))
    _hash_all(folder, unknown, found, state, progress)


def _note(place: str, path: str, found: Scan, state: State, ignored: Ignore, unknown: list[str]) -> bool:
    """Add the entry at a place. Return whether it is a folder to scan."""
    try:
        # not from the listing: it may lack the inode, or have an old size of an open file
        about = os.lstat(place)
    except FileNotFoundError:
        return False
    except OSError as error:
        found.entries[path] = LocalEntry(Kind.OTHER, trouble=_reason(error))
        return False
    entry = _entry(path, about, ignored)
    found.entries[path] = entry
    if entry.kind is Kind.FILE:
        stamp = Stamp.of(about)
        found.stamps[path] = stamp
        sha256 = state.hash_of(entry.identity, stamp)
        if sha256:
            found.entries[path] = LocalEntry(Kind.FILE, sha256, entry.identity)
        elif ignored.selection.is_outside(path, is_folder=False):  # it stays as it is: no need to read it
            found.entries[path] = LocalEntry(Kind.FILE, "", entry.identity, OUTSIDE)
        else:
            unknown.append(path)
    return entry.kind is Kind.FOLDER


def _entry(path: str, about: os.stat_result, ignored: Ignore) -> LocalEntry:
    mode = about.st_mode
    if stat.S_ISLNK(mode):
        return LocalEntry(Kind.OTHER, trouble="it is a symbolic link")
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        return LocalEntry(Kind.OTHER, trouble="it is neither a file nor a folder")
    kind = Kind.FOLDER if stat.S_ISDIR(mode) else Kind.FILE
    if ignored(path, kind is Kind.FOLDER):
        return LocalEntry(Kind.OTHER)
    return LocalEntry(kind, identity=identity_of(about))


def _hash_all(folder: Path, paths: list[str], found: Scan, state: State, progress: Callable[[int], None]) -> None:
    hashed: list[tuple[str, Stamp, str]] = []

    def one(path: str) -> tuple[str, str, OSError | None]:
        try:
            return path, hash_steady(folder / path, found.stamps[path], progress), None
        except OSError as error:
            return path, "", error

    _wait_for_ticks(found.stamps[path] for path in paths)
    with ThreadPoolExecutor(HASHING_THREADS) as threads:
        for path, sha256, error in threads.map(one, paths):
            identity = found.entries[path].identity
            if sha256:
                found.entries[path] = LocalEntry(Kind.FILE, sha256, identity)
                hashed.append((identity, found.stamps[path], sha256))
            elif isinstance(error, FileNotFoundError):
                del found.entries[path]
                found.busy = True
            else:
                trouble = _reason(error) if error else "it changes while it is read"
                found.entries[path] = LocalEntry(Kind.FILE, "", identity, trouble)
                found.busy = found.busy or error is None
    state.keep_hashes(hashed)


def _wait_for_ticks(stamps: Iterable[Stamp]) -> None:
    """Wait until a write gives each of these files another stamp: a hash that is stored earlier could miss it.

    One wait for all, before any is read, so that thousands of new files wait no longer than one.
    """
    times = (at for stamp in stamps for at in (stamp.mtime_ns, stamp.ctime_ns))  # on Windows, ctime is the creation
    time.sleep(max(map(tick_left_ns, times), default=0) / 1e9)


def tick_left_ns(at: int) -> int:
    """Nanoseconds until a write gives a file another time than `at`, its time now; 0 if it already would."""
    tick = TICK_NS if at % 1_000_000_000 else COARSE_TICK_NS
    age = time.time_ns() - at
    return tick - age if 0 <= age < tick else 0


def hash_steady(path: Path, stamp: Stamp, progress: Callable[[int], None] = lambda _: None) -> str:
    """SHA-256 of a file whose stamp is the same before and after reading; else empty."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            progress(len(piece))
        after = Stamp.of(os.fstat(file.fileno()))
    return digest.hexdigest() if after == stamp and Stamp.of(path.stat(follow_symlinks=False)) == stamp else ""


def _troubled(entry: LocalEntry, error: OSError) -> LocalEntry:
    return LocalEntry(entry.kind, entry.sha256, entry.identity, _reason(error))


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()

"""Collects the local files to upload."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from docstore_sync.selection import Filters

EVERYTHING = Filters()
Names = tuple[str, ...]


@dataclass(slots=True)
class LocalTree:
    """Files by their names below the source; empty names if the source is a file."""

    files: list[tuple[Path, Names]] = field(default_factory=list)
    empty_folders: list[Names] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)
    """Skipped entries: symbolic links in folders, sockets, pipes, devices."""
    unreadable: list[tuple[Path, OSError]] = field(default_factory=list)
    """Folders in the source."""


def scan(source: Path, filters: Filters = EVERYTHING) -> LocalTree:
    """Collect a file, or what the filters leave of a folder. A link given as source is followed; in folders, they are
    skipped.

    OSError if the source itself can't be read.
    """
    tree = LocalTree()
    if stat.S_ISDIR(source.stat().st_mode):
        _scan_folder(source, (), tree, filters)
    elif not filters.leaves_out(source.name, is_folder=False):
        tree.files.append((source, ()))
    return tree


def _scan_folder(folder: Path, names: Names, tree: LocalTree, filters: Filters) -> None:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    if not (entries or filters.include):
        tree.empty_folders.append(names)
    for entry in entries:
        path, below = Path(entry.path), (*names, entry.name)
        is_folder = entry.is_dir(follow_symlinks=False)
        if filters.leaves_out("/".join(below), is_folder):
            continue
        if is_folder:
            try:
                _scan_folder(path, below, tree, filters)
            except OSError as error:
                tree.unreadable.append((path, error))
        elif entry.is_file(follow_symlinks=False):
            tree.files.append((path, below))
        else:
            tree.left_out.append(path)


def name_for(source: str) -> str:
    """Name of a source at the destination; "" for `.`, `..` and `folder/.`, whose contents are uploaded."""
    last = source.rstrip("/").rpartition("/")[2]
    return "" if last in ("", ".", "..") else last

"""A place of backups: a folder or an S3 bucket. Both have the same tree of names.

docstore-backups.json       marks it as a place of backups
lock                        held by the command that uses it
contents/ab/ab12...         contents of all backups by SHA-256, never stored twice or overwritten
catalogue.sqlite            content of each of the store's objects, as last seen; may be lost
oplog/                      files of the archived oplog, by time
backups/20261122T080000Z/   one backup: parts of the databases, list of objects, and last the manifest; ordered by name
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from docstore_standalone.backup.catalogue import Catalogue
from docstore_standalone.backup.manifest import FORMAT, BackupRefused, Manifest

MARK = "docstore-backups.json"
CATALOGUE = "catalogue.sqlite"
NAME_FORMAT = "%Y%m%dT%H%M%SZ"


class Target(Protocol):
    """A place of backups. Methods block; those that change it need it `locked`. OSError, ObjectStoreError."""

    address: str
    drafts: Path
    """Local folder of contents under construction."""

    def locked(self) -> AbstractContextManager[None]:
        """Lock it; BackupRefused if another command uses it."""

    def catalogue(self) -> AbstractContextManager[Catalogue]:
        """Open the catalogue; it is stored when the block ends, also by an error."""

    def store_catalogue(self, known: Catalogue) -> None:
        """Store the open catalogue, for the next run in case that this one is killed."""

    def names(self) -> list[str]:
        """Return the complete backups, oldest first."""

    def location(self, name: str) -> str:
        """Return the address of a backup, for people."""

    def begin(self, moment: datetime) -> Path:
        """Return an empty local folder, named as the new backup, after all others; remove unfinished ones."""

    def finish(self, here: Path, manifest: Manifest) -> None:
        """Store the parts in the folder of `begin`, then the manifest, which makes them a backup."""

    def open(self, name: str, only: Sequence[str] = ()) -> Path:
        """Return a local folder with these files of a backup, by default all."""

    def check(self, name: str, manifest: Manifest) -> None:
        """BackupDamaged unless the parts of a backup are as written, as far as the place shows."""

    def remove(self, name: str) -> None:
        """Remove a backup, except its contents. If interrupted, it is no longer a complete backup."""

    def has(self, sha256: str, size: int) -> bool:
        """Whether this content is stored."""

    def add(self, draft: Path, sha256: str) -> None:
        """Store a content; the draft is moved or removed."""

    def fetch(self, sha256: str) -> Path:
        """Return a local file of a content, until `release`. FileNotFoundError."""

    def release(self, path: Path) -> None:
        """End the use of a fetched file."""

    def retain(self, known: Catalogue) -> None:
        """Protect the contents of the backup under way against deletion, if the place is to do so."""

    def contents(self) -> Iterator[str]:
        """Iterate over the names of all contents, including unfinished and renamed ones."""

    def delete_contents(self, names: list[str]) -> None:
        """Delete contents, by the names of `contents`."""

    def quarantine(self, sha256: str) -> None:
        """Rename a damaged content, so that it counts as missing."""

    def logs(self) -> list[str]:
        """Return the names of the files of the archived oplog."""

    def add_log(self, draft: Path, name: str, sha256: str) -> None:
        """Store such a file; it is whole or not there."""

    def log(self, name: str) -> Path:
        """Return a local copy of such a file."""

    def remove_logs(self, names: Sequence[str]) -> None:
        """Delete such files."""

    def close(self) -> None:
        """Remove local copies."""


def choose(target: Target, name: str | None) -> str:
    """Return the name of a backup, by default of the newest; BackupRefused if there is none."""
    names = target.names()
    if not names:
        raise BackupRefused(f"there is no complete backup in {target.address}")
    if name is not None and name not in names:
        raise BackupRefused(f"there is no backup {name} in {target.address}; there is {', '.join(names)}")
    return name or names[-1]


def check_mark(mark: object, address: str) -> None:
    """BackupRefused unless `mark`, the place's marker, is of this version."""
    if not isinstance(mark, dict) or mark.get("format") != FORMAT:
        raise BackupRefused(f"{address} contains backups of another version of DocStore: {mark}")


def backup_name(moment: datetime, after: str) -> str:
    """Name by time, or numbered after the newest, so that a changed clock does not reorder backups."""
    name = moment.strftime(NAME_FORMAT)
    if name > after:
        return name
    newest, _, number = after.partition("+")
    return f"{newest}+{int(number or 0) + 1:06}"


def named_moment(name: str) -> datetime:
    """Return the time in a backup's name."""
    return datetime.strptime(name.partition("+")[0], NAME_FORMAT).replace(tzinfo=UTC)

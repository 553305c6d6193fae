"""Deletes backups past their retention, with the contents that no other backup has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from docstore_standalone.backup.catalogue import Catalogue
from docstore_standalone.backup.manifest import MANIFEST, BackupDamaged, Manifest
from docstore_standalone.backup.objects.list import OBJECTS, objects_of, read_objects
from docstore_standalone.backup.places.target import Target, named_moment

log = structlog.get_logger(__name__)

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Retention:
    """Backups to keep: the `last` ones, and the newest of each of so many days, weeks and months (UTC) with backups."""

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    def kept(self, names: Sequence[str]) -> list[str]:
        """Return those to keep of `names`, oldest first; the newest always is."""
        newest_first = list(reversed(names))
        kept = set(newest_first[: max(self.last, 1)])
        for number, period in ((self.daily, _day), (self.weekly, _week), (self.monthly, _month)):
            kept |= set(_newest_of_each(newest_first, period)[:number])
        return [name for name in names if name in kept]


def _newest_of_each(newest_first: Sequence[str], period: Callable[[datetime], str]) -> list[str]:
    found: dict[str, str] = {}
    for name in newest_first:
        found.setdefault(period(named_moment(name)), name)
    return list(found.values())


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _week(moment: datetime) -> str:
    return f"{moment:%G-%V}"


def _month(moment: datetime) -> str:
    return f"{moment:%Y-%m}"


def prune(target: Target, known: Catalogue, retention: Retention) -> list[str]:
    """Remove what is past its retention from the locked target; return the names of the removed backups.

    Nothing is removed unless the newest backup is whole: BackupDamaged. Contents stay as long as one backup has them.
    """
    names = target.names()
    kept = retention.kept(names)
    removed = [name for name in names if name not in kept]
    if not removed:
        return []
    _check(target, kept[-1])
    for name in removed:
        target.remove(name)
    try:
        for name in kept:
            known.need(stored.sha256 for stored in objects_of(target, name))
    except BackupDamaged as error:
        log.error("old_backup_contents_kept", error=str(error))
        return removed
    _delete_unneeded(target, known)
    return removed


def _check(target: Target, name: str) -> None:
    """BackupDamaged unless the backup is whole, as far as can be checked without reading every content."""
    folder = target.open(name, [MANIFEST, OBJECTS])
    manifest = Manifest.read(folder)
    target.check(name, manifest)
    for stored in read_objects(folder, manifest.objects):
        if not target.has(stored.sha256, stored.size):
            raise BackupDamaged(f"the content of {stored.key} is missing in {target.location(name)}")


def _delete_unneeded(target: Target, known: Catalogue) -> None:
    unneeded: list[str] = []
    for name in target.contents():
        if not known.is_needed(name.rpartition("/")[2]):
            unneeded.append(name)
        if len(unneeded) == BATCH:
            target.delete_contents(unneeded)
            unneeded.clear()
    target.delete_contents(unneeded)

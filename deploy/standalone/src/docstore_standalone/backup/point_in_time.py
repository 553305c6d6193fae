"""A backup and the changes after it, as of any second."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime

from docstore_platform.mongodb.client import Mongo, Timestamp
from docstore_standalone.backup.after_restore import stored_objects
from docstore_standalone.backup.catalogue import Stored
from docstore_standalone.backup.database.oplog import first_after, spans_between
from docstore_standalone.backup.database.oplog_replay import ArchivedOplog, replay
from docstore_standalone.backup.manifest import MANIFEST, BackupRefused, Manifest
from docstore_standalone.backup.objects.list import objects_of
from docstore_standalone.backup.objects.references import referenced_keys
from docstore_standalone.backup.places.target import Target
from docstore_standalone.backup.restore import Backup

CONTENTS = "accounts/"


class PointInTime(Backup):
    """The last backup before `until`, with the archived oplog from there on.

    Contents of later backups are restored too: what was uploaded after the backup is in those that follow, unless it
    was deleted before. Of the archive and the audit log, only objects that the databases of that moment refer to are:
    rows of others would be archived twice. `missing` are those that no backup has.
    BackupRefused if there is no such backup, or a gap in the oplog.
    """

    def __init__(self, target: Target, until: datetime) -> None:
        names = target.names()
        before = [name for name in names if _is_before(target, name, until)]
        if not before:
            raise BackupRefused(f"there is no backup before {until:%Y-%m-%d %H:%M:%S} UTC in {target.address}")
        super().__init__(target, before[-1])
        assert self.manifest.oplog_time is not None
        since = Timestamp(*self.manifest.oplog_time)
        self._later = [name for name in names if name > before[-1]]
        self.oplog = ArchivedOplog(target, spans_between(target.logs(), since, until), since, until)
        self.operations = 0
        self._restored: set[str] = set()
        self._others: dict[str, Stored] = {}
        """Objects that only later backups have, beside contents of files."""

    @property
    def identity(self) -> str:
        return f"{self.manifest.digest} {self.oplog.until.isoformat()}"

    def objects(self) -> Iterator[Stored]:
        self._restored.clear()
        self._others.clear()
        for stored in self._listed():
            if stored.key not in self._restored:
                self._restored.add(stored.key)
                yield stored

    def _listed(self) -> Iterator[Stored]:
        yield from super().objects()
        for name in self._later:
            for stored in objects_of(self.target, name):
                if stored.key.startswith(CONTENTS):
                    yield stored
                elif stored.key not in self._restored:
                    self._others.setdefault(stored.key, stored)

    async def replay(self, mongo: Mongo, prefix: str) -> None:
        services, region = self.manifest.services, self.manifest.region
        newest = await _last_of(stored_objects(mongo, prefix, services, region))
        self.operations = await replay(mongo, prefix, self.oplog)
        missing = {key async for key in referenced_keys(mongo, prefix) if key not in self._restored}
        if newest is None or newest in self._restored:  # otherwise they are in another bucket, which no backup has
            keys = stored_objects(mongo, prefix, services, region)
            missing |= {key async for key in keys if key not in self._restored}
        self.missing = sorted(missing)

    def later_objects(self) -> Iterator[Stored]:
        found = [self._others[key] for key in self.missing if key in self._others]
        self.missing = [key for key in self.missing if key not in self._others]
        return iter(found)


async def _last_of(keys: AsyncIterator[str]) -> str | None:
    last = None
    async for key in keys:
        last = key
    return last


def _is_before(target: Target, name: str, until: datetime) -> bool:
    """Whether the backup's databases are of a moment up to `until`; a version before wrote no time of the oplog."""
    moment = Manifest.read(target.open(name, [MANIFEST])).oplog_time
    return moment is not None and Timestamp(*moment) < first_after(until)

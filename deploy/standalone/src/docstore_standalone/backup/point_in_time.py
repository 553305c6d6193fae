"""A backup and the changes after it, as of any second."""

from collections.abc import Iterator
from datetime import datetime

from docstore_platform.mongodb.client import Mongo, Timestamp
from docstore_standalone.backup.catalogue import Stored
from docstore_standalone.backup.database.oplog import first_after, spans_between
from docstore_standalone.backup.database.oplog_replay import ArchivedOplog, replay
from docstore_standalone.backup.manifest import MANIFEST, BackupRefused, Manifest
from docstore_standalone.backup.objects.list import OBJECTS, read_objects
from docstore_standalone.backup.objects.references import referenced_keys
from docstore_standalone.backup.places.files import check_part
from docstore_standalone.backup.places.target import Target
from docstore_standalone.backup.restore import Backup

CONTENTS = "accounts/"


class PointInTime(Backup):
    """The last backup before `until`, with the archived oplog from there on.

    Contents of later backups are restored too: what was uploaded after the backup is in those that follow, unless it
    was deleted before. `missing` are those that no backup has.
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

    @property
    def identity(self) -> str:
        return f"{self.manifest.digest} {self.oplog.until.isoformat()}"

    def objects(self) -> Iterator[Stored]:
        self._restored.clear()
        for stored in self._listed():
            if stored.key not in self._restored:
                self._restored.add(stored.key)
                yield stored

    def _listed(self) -> Iterator[Stored]:
        yield from super().objects()
        for name in self._later:
            folder = self.target.open(name, [MANIFEST, OBJECTS])
            part = Manifest.read(folder).objects
            check_part(folder, part)
            yield from (stored for stored in read_objects(folder, part) if stored.key.startswith(CONTENTS))

    async def replay(self, mongo: Mongo, prefix: str) -> None:
        self.operations = await replay(mongo, prefix, self.oplog)
        keys = referenced_keys(mongo, prefix)
        self.missing = sorted({key async for key in keys if key not in self._restored})


def _is_before(target: Target, name: str, until: datetime) -> bool:
    """Whether the backup's databases are of a moment up to `until`; a version before wrote no time of the oplog."""
    moment = Manifest.read(target.open(name, [MANIFEST])).oplog_time
    return moment is not None and Timestamp(*moment) < first_after(until)

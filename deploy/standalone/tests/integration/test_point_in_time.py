"""Restores to moments between backups, on real servers: each document as it was in that second."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from backup_places import NewPlace, Place, take

from docstore_analytics.archive.repository import MongoArchive
from docstore_analytics.archive.rules import Chunk, SegmentLimits
from docstore_analytics.audit.anchors import Anchors, anchor_key
from docstore_analytics.audit.repository import MongoAnchorNotes, MongoAudit, MongoSeals
from docstore_analytics.audit.rules import Chain, Entry
from docstore_analytics.audit.service import AuditVerifier
from docstore_analytics.audit.worker import AuditSealer
from docstore_contents.s3.store import ObjectStore
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Session, majority_time
from docstore_platform.testing import eventually
from docstore_standalone.backup.database.oplog import Span
from docstore_standalone.backup.database.oplog_archive import OplogArchive
from docstore_standalone.backup.manifest import BackupDamaged, BackupRefused
from docstore_standalone.backup.places.folder_target import FolderTarget
from docstore_standalone.backup.point_in_time import PointInTime
from docstore_standalone.backup.progress import silent
from docstore_standalone.backup.restore import restore_into

pytestmark = pytest.mark.connected

NOTED = ("quota.ledger", "quota.later", "upload.ledger")
CHAIN = Chain(b"key")
DAY = "2026-05-01"


async def archive(place: Place, where: Path) -> Span | None:
    return await OplogArchive(place.deployment, FolderTarget.prepared(where), days=7).archive()


async def restore_to(place: Place, where: Path, until: datetime) -> PointInTime:
    backup = PointInTime(FolderTarget.existing(where), until)
    backup.check_parts()
    await restore_into(place.deployment, backup, silent)
    return backup


async def moment_of(place: Place) -> datetime:
    """The second of the last change; the next one is in another."""
    noted = await majority_time(place.mongo.database("admin"))

    async def passed() -> bool:
        await place.database("quota")["clock"].update_one({"_id": 1}, {"$inc": {"n": 1}}, upsert=True)
        return (await majority_time(place.mongo.database("admin"))).time > noted.time

    await eventually(passed, every=0.05)
    return datetime.fromtimestamp(noted.time, UTC)


async def noted(place: Place) -> dict[str, list[Any]]:
    return {name: rows for name, rows in (await place.documents()).items() if name in NOTED}


async def change(place: Place, seed: int) -> None:
    """Every kind of write: fields, arrays, replacements, deletions, transactions small and large, and collections."""
    dice, ledger = random.Random(seed), place.database("quota")["ledger"]
    for _ in range(20):
        key = {"_id": dice.randrange(30)}
        await ledger.update_one(key, {"$inc": {"n": 1}, "$push": {"list": {"at": seed}}}, upsert=True)
        await ledger.update_one(key, {"$set": {"deep.field": dice.random(), "list.0.at": -1}})
        if dice.random() < 0.3:
            await ledger.delete_one({"_id": dice.randrange(30)})
        if dice.random() < 0.3:
            await ledger.replace_one({"_id": dice.randrange(30)}, {"whole": seed})
    await ledger.update_many({"n": {"$gt": 2}}, {"$unset": {"deep": ""}, "$pop": {"list": 1}})

    async def both(session: Session) -> None:
        for database in ("quota", "upload"):
            for number in range(3):
                row = {"_id": f"{seed}-{number}", "text": "x" * 6_000_000 if seed == 2 else "x"}
                await place.database(database)["ledger"].insert_one(row, session=session)

    await place.mongo.transaction(both)
    if seed == 1:
        await place.database("quota")["later"].insert_one({"_id": "new"})
        await place.database("quota")["later"].create_index("field", unique=True)
    if seed == 3:
        await place.database("quota")["later"].drop()


class Lease:
    async def hold(self) -> bool:
        return True


class History:
    """The audit log and the archive of a place, as analytics keeps them, in its bucket or in `store`."""

    def __init__(self, place: Place, store: ObjectStore | None = None) -> None:
        database, region = place.database("analytics"), place.deployment.region
        self._store = store or place.store
        self._transactor = Transactor(place.mongo, database, "analytics", "")
        self._archive = MongoArchive(database, self._transactor)
        self._audit, seals = MongoAudit(database), MongoSeals(database)
        anchors = Anchors(self._store, MongoAnchorNotes(database), CHAIN, region)
        self.verifier = AuditVerifier(self._audit, seals, self._store, CHAIN, anchors, region=region)
        limits: Any = {"segment_seconds": 0.0, "segment_entries": 100}
        self._sealer = AuditSealer(
            self._audit, seals, self._store, Lease(), anchors, self.verifier, region=region, **limits
        )

    async def add(self, text: str) -> str:
        """Add an entry, sealed and anchored, and a file of the archive; its key."""
        for collections in (self._audit, self._archive):
            await collections.create_indexes()
        entry = Entry(utc_now(), "change", text, "ada", "file", 0, "", "", new_id(), "")

        async def work(transaction: Transaction) -> None:
            head = await self._audit.head(transaction)
            chained = CHAIN.append([entry], head)
            await self._audit.extend_chain(chained, head, CHAIN.head(chained[-1]), transaction)
            await self._archive.add_chunks([Chunk(new_id(), DAY, [text.encode()], len(text))], transaction)

        await self._transactor.run(work)
        assert await self._sealer.seal_due() == 1
        assert await self._sealer.anchor_due()
        segment = await self._archive.plan(DAY, SegmentLimits(0.0, 100, 10**6))
        assert segment is not None
        await self._store.put(segment.key, text.encode())
        await self._archive.seal(segment, len(text))
        return segment.key

    async def files(self) -> set[str]:
        """Keys of the files of the archive, by the database."""
        return {segment.key for segment in await self._archive.page(DAY, DAY, ("", ""), 100)}

    async def anchored(self) -> int:
        """How many entries the last anchor counts; the whole log is valid."""
        found = await self.verifier.verify(0, 100)
        assert (found.broken, found.not_compared, await self.verifier.contradiction()) == (None, "", None)
        return found.anchor.number if found.anchor else 0


async def test_each_moment_is_restored_as_it_was(place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """Before, between and after transactions of 36 MB, new and dropped collections, by several files of entries."""
    await place.database("upload").create_collection("ledger")
    await change(place, 0)
    await take(place, tmp_path)
    states: list[tuple[datetime, dict[str, list[Any]]]] = []
    for seed in range(1, 5):
        await change(place, seed)
        states.append((await moment_of(place), await noted(place)))
        if seed % 2:
            await archive(place, tmp_path)
    await moment_of(place)
    await archive(place, tmp_path)
    for moment, state in states:
        other = await new_place()
        backup = await restore_to(other, tmp_path, moment)
        assert await noted(other) == state
        assert backup.operations
    assert len({str(state) for _, state in states}) == len(states)


async def test_contents_of_later_backups_are_there_and_missing_ones_named(
    place: Place, new_place: NewPlace, tmp_path: Path
) -> None:
    """What was uploaded after the backup is in the next one, if it still existed then."""
    await take(place, tmp_path)
    keys = [f"accounts/ada/uploads/new-{number}/content" for number in range(2)]
    for key in keys:
        await place.store.put(key, b"new")
        await place.database("metadata")["objects"].insert_one({"_id": key, "refs": 1})
    moment = await moment_of(place)
    await place.database("metadata")["objects"].delete_many({})
    await place.store.delete(keys[1])
    await take(place, tmp_path)
    await archive(place, tmp_path)
    other = await new_place()
    backup = await restore_to(other, tmp_path, moment)
    assert await other.store.get(keys[0]) == b"new"
    assert backup.missing == [keys[1]]


@pytest.mark.parametrize("source", ["later backup", "replica", "nowhere"])
async def test_audit_log_and_archive_go_on_after_a_restore(
    source: str, place: Place, new_place: NewPlace, tmp_path: Path
) -> None:
    """What was stored between the backup and the moment comes from a later backup or the replica. From nowhere, entries
    are sealed again and files of the archive are named as missing. Nothing from after the moment is in the bucket.
    """
    history, other = History(place), await new_place()
    first = await history.add("before the backup")
    await take(place, tmp_path)
    second = await history.add("before the moment")
    moment = await moment_of(place)
    await history.add("after the moment")
    if source == "later backup":
        await take(place, tmp_path)
    if source == "replica":
        other.deployment = replace(other.deployment, replica=place.deployment.s3)
    await archive(place, tmp_path)
    backup = await restore_to(other, tmp_path, moment)
    kept, lost = ({first}, [second]) if source == "nowhere" else ({first, second}, [])
    assert backup.missing == lost
    there = History(other)
    assert await there.files() == kept == {key for key in await other.contents() if key.startswith("archive/events/")}
    assert await there.anchored() == (1 if source == "nowhere" else 2)
    await there.add("after the restore")
    assert await there.anchored() == 3
    last = 2 if source == "nowhere" else 3
    await other.store.delete(anchor_key(other.deployment.region, last))
    broken = await there.verifier.contradiction()
    assert broken is not None
    assert broken.reason == "anchor_missing", "tampering was not noticed after the restore"


async def test_an_archive_in_a_bucket_of_its_own_is_not_missing(
    place: Place, new_place: NewPlace, tmp_path: Path
) -> None:
    """No backup has it: the restored database refers to it as it did, and nothing is named."""
    elsewhere, other = await new_place(), await new_place()
    history = History(place, elsewhere.store)
    files = {await history.add("before the backup")}
    await take(place, tmp_path)
    files.add(await history.add("after the backup"))
    moment = await moment_of(place)
    await archive(place, tmp_path)
    backup = await restore_to(other, tmp_path, moment)
    there = History(other, elsewhere.store)
    assert (backup.missing, await there.files(), await there.anchored()) == ([], files, 2)


async def test_contents_that_no_backup_has_come_from_the_replica(
    place: Place, new_place: NewPlace, tmp_path: Path
) -> None:
    """Small ones, large ones and blocks; what the replica does not have either is named."""
    replica, other = await new_place(), await new_place()
    await take(place, tmp_path)
    contents = {
        "accounts/ada/blocks/new.1": b"block",
        "accounts/ada/uploads/new-1/content": b"new",
        "accounts/ada/uploads/new-2/content": bytes(range(256)) * 20_000,
    }
    for key, content in contents.items():
        await replica.store.put(key, content, content_type="text/x-ours", metadata={"name": "value"})
    gone = ["accounts/ada/blocks/gone.1", "accounts/ada/uploads/gone/content"]
    for key in [*contents, *gone]:
        is_block = "/blocks/" in key
        row = {"_id": f"ada.{key}", "key": key} if is_block else {"_id": key}
        await place.database("upload" if is_block else "metadata")["blocks" if is_block else "objects"].insert_one(
            row | {"refs": 1}
        )
    moment = await moment_of(place)
    await archive(place, tmp_path)
    other.deployment = replace(other.deployment, replica=replica.deployment.s3)
    backup = await restore_to(other, tmp_path, moment)
    assert {key: await other.store.get(key) for key in contents} == contents
    info = await other.store.head("accounts/ada/uploads/new-2/content")
    assert info is not None
    assert (info.content_type, dict(info.metadata)) == ("text/x-ours", {"name": "value"})
    assert backup.missing == gone


async def test_a_moment_that_is_not_archived_is_refused(place: Place, tmp_path: Path) -> None:
    """Before the first backup, and after the last archived entry; nothing is restored."""
    early = await moment_of(place)
    await moment_of(place)
    await take(place, tmp_path)
    await archive(place, tmp_path)
    for moment, reason in ((early, "no backup before"), (datetime(2100, 1, 1, tzinfo=UTC), "without a gap")):
        with pytest.raises(BackupRefused, match=reason):
            PointInTime(FolderTarget.existing(tmp_path), moment)


async def test_a_damaged_file_of_entries_is_refused(place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """Its name has its hash."""
    await take(place, tmp_path)
    await place.database("quota")["ledger"].insert_one({"_id": 1})
    moment = await moment_of(place)
    await archive(place, tmp_path)
    (file,) = (tmp_path / "oplog").glob("*")
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(BackupDamaged):
        await restore_to(await new_place(), tmp_path, moment)

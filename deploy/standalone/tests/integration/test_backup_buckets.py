"""Backups in an S3 bucket: incremental, whole or none, locked, restored."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from backup_places import CONTENTS, NewPlace, Place, backup_in, restore, take
from simulated_crash import SimulatedCrash, crash_at

import docstore_standalone.backup
from docstore_contents.s3.store import ObjectStore
from docstore_platform.mongodb.client import Mongo, server_time
from docstore_platform.testing import eventually
from docstore_standalone.backup.database.oplog import first_after
from docstore_standalone.backup.database.oplog_archive import OplogArchive
from docstore_standalone.backup.database.restore import restore_documents
from docstore_standalone.backup.manifest import BackupDamaged, BackupRefused
from docstore_standalone.backup.places import bucket_lock
from docstore_standalone.backup.places.bucket import Bucket, BucketOptions
from docstore_standalone.backup.places.bucket_target import BucketTarget
from docstore_standalone.backup.point_in_time import PointInTime
from docstore_standalone.backup.progress import Step, silent
from docstore_standalone.backup.restore import restore_into
from docstore_standalone.backup.verification import verify_backup

pytestmark = pytest.mark.connected

OURS = Path(docstore_standalone.backup.__file__).parent


@pytest.fixture
def credentials(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of the bucket, in the AWS environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", place.deployment.s3.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", place.deployment.s3.secret_access_key)


@pytest.fixture
async def bucket(new_place: NewPlace, credentials: None) -> ObjectStore:
    """An empty bucket for backups."""
    return (await new_place()).store


@pytest.fixture
def target(bucket: ObjectStore) -> Iterator[BucketTarget]:
    with closing(opened(bucket)) as target:
        yield target


def opened(bucket: ObjectStore) -> BucketTarget:
    return BucketTarget.prepared(address_of(bucket), BucketOptions(endpoint=bucket.config.endpoint))


def address_of(bucket: ObjectStore) -> str:
    return f"s3://{bucket.config.bucket}/some/where"


async def keys(bucket: ObjectStore) -> list[str]:
    pages = await bucket.transport.call("list_objects_v2", all_pages=True)
    return [entry["Key"].removeprefix("some/where/") for page in pages for entry in page.get("Contents", [])]


async def test_a_moment_is_restored_from_a_bucket(place: Place, new_place: NewPlace, target: BucketTarget) -> None:
    """With the oplog archived beside the backups; what is older than its days is deleted."""
    await take(place, target)
    await place.database("quota")["ledger"].insert_one({"_id": 1})
    until = await server_time(place.mongo.database("admin"))
    archive = OplogArchive(place.deployment, target, days=7)

    async def is_archived() -> bool:
        span = await archive.archive()
        return span is not None and span.end >= first_after(until)

    await eventually(is_archived)
    other = await new_place()
    backup = PointInTime(target, until)
    backup.check_parts()
    await restore_into(other.deployment, backup, silent)
    assert (await other.documents())["quota.ledger"] == [{"_id": 1}]
    known = set(target.logs())
    await OplogArchive(place.deployment, target, days=0).archive()
    assert not known & set(target.logs())


async def test_a_backup_in_a_bucket_is_restored(place: Place, new_place: NewPlace, target: BucketTarget) -> None:
    """Every content as it was; the second backup copies only what is new, and each restores its own."""
    first = await take(place, target)
    await place.store.put("accounts/ada/packs/6", b"six")
    second = await take(place, target)
    assert (first.copied, second.copied) == (len(CONTENTS), 1)
    for taken, pack in ((first, CONTENTS["accounts/ada/packs/6"]), (second, b"six")):
        other = await new_place()
        await restore(other, target, taken.manifest.name)
        assert await other.contents() == CONTENTS | {"accounts/ada/packs/6": pack}
        assert (await other.documents())["metadata.nodes"] == (await place.documents())["metadata.nodes"]


async def test_a_backup_in_a_bucket_is_whole_or_none(place: Place, bucket: ObjectStore) -> None:
    """Cut off at any line it is not listed; the next run makes a whole one and removes what is left."""
    with crash_at(OURS) as lines, closing(opened(bucket)) as target:
        await take(place, target)
    whole = target.names()
    for number in range(lines.run // 8, lines.run, lines.run // 8):
        with suppress(SimulatedCrash, BackupRefused), crash_at(OURS, number), closing(opened(bucket)) as target:
            await take(place, target)
        await bucket.delete("some/where/lock")
        with closing(opened(bucket)) as target:
            for name in target.names():
                backup_in(target, name).check(silent)
            assert set(whole) <= set(target.names())
            await take(place, target)
            whole = target.names()
            assert {key.split("/")[1] for key in await keys(bucket) if key.startswith("backups/")} == set(whole)


async def test_an_interrupted_backup_to_a_bucket_is_continued(
    place: Place, bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run copies only what the one that ended with an error had not."""
    monkeypatch.setattr("docstore_standalone.backup.objects.copy.PAGE", 1)

    def interrupt(step: Step) -> None:
        if step.phase == "contents" and step.done == 3:
            raise SimulatedCrash

    with pytest.raises(SimulatedCrash), closing(opened(bucket)) as target:
        await take(place, target, on_step=interrupt)
    with closing(opened(bucket)) as target:
        assert (await take(place, target)).copied == len(CONTENTS) - 3
        backup_in(target).check(silent)


async def test_a_backup_that_lost_the_bucket_leaves_its_catalogue_alone(
    place: Place, bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another command has taken over: the catalogue in the bucket is that one's."""
    with closing(opened(bucket)) as target:
        await take(place, target)
    before = await bucket.get("some/where/catalogue.sqlite")

    def lose(_: bucket_lock.BucketLock) -> None:
        raise BackupRefused("another command took over")

    monkeypatch.setattr(bucket_lock.BucketLock, "check", lose)
    await place.store.put("accounts/ada/uploads/9/content", b"new")
    with pytest.raises(BackupRefused, match="took over"), closing(opened(bucket)) as target:
        await take(place, target)
    assert await bucket.get("some/where/catalogue.sqlite") == before


async def test_a_killed_backup_to_a_bucket_is_continued(
    place: Place, bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the catalogue that it stored on its way: here the one that is in the bucket after three contents."""
    monkeypatch.setattr("docstore_standalone.backup.objects.copy.PAGE", 1)
    monkeypatch.setattr("docstore_standalone.backup.objects.copy.CATALOGUE_SECONDS", 0.0)
    stored: list[bytes] = []

    def look(step: Step) -> None:
        if step.phase == "contents" and step.done == 3 and not stored:
            stored.append(Bucket(address_of(bucket), BucketOptions(bucket.config.endpoint)).get("catalogue.sqlite"))

    with closing(opened(bucket)) as target:
        await take(place, target, on_step=look)
    await bucket.put("some/where/catalogue.sqlite", stored[0])
    with closing(opened(bucket)) as target:
        assert (await take(place, target)).copied == len(CONTENTS) - 3


async def test_large_contents_that_are_stored_are_not_sent_again(
    place: Place, bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor small ones: though the catalogue was lost, and all are read again."""
    with closing(opened(bucket)) as target:
        await take(place, target)
    await bucket.delete("some/where/catalogue.sqlite")
    sent: list[str] = []
    monkeypatch.setattr(Bucket, "upload_content", lambda _, path, name, sha256: sent.append(name))
    with closing(opened(bucket)) as target:
        assert (await take(place, target)).copied == len(CONTENTS)
        assert not list(target.drafts.iterdir())
    assert sent == []


async def test_pruning_a_bucket_keeps_shared_contents(place: Place, target: BucketTarget, bucket: ObjectStore) -> None:
    """What only the deleted backup had is gone; the kept one is whole."""
    await place.store.put("accounts/ada/uploads/8/content", b"only at first")
    first = await take(place, target)
    await place.store.delete("accounts/ada/uploads/8/content")
    last = await take(place, target, keep=1)
    assert last.removed == [first.manifest.name]
    backup_in(target).check(silent)
    assert len([key for key in await keys(bucket) if key.startswith("contents/")]) == len(set(CONTENTS.values()))


async def test_one_command_at_a_time_uses_a_bucket(
    place: Place, target: BucketTarget, bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second one is refused; the lock of one that was killed does not count once it is old."""
    with target.locked(), closing(opened(bucket)) as other:
        with pytest.raises(BackupRefused, match="another backup"):
            await take(place, other)
        monkeypatch.setattr(bucket_lock, "LOCK_SECONDS", -1.0)
        await take(place, other)
    assert len(target.names()) == 1


async def test_a_damaged_content_in_a_bucket_is_copied_again(
    place: Place, target: BucketTarget, bucket: ObjectStore
) -> None:
    """The check finds it, and the next backup is whole."""
    await take(place, target)
    key = next(key for key in await keys(bucket) if key.startswith("contents/"))
    size = len(await bucket.get(f"some/where/{key}"))
    await bucket.put(f"some/where/{key}", b"?" * max(size, 1))
    with pytest.raises(BackupDamaged, match="the next backup copies"):
        backup_in(target).check(silent)
    assert (await take(place, target)).copied >= 1
    backup_in(target).check(silent)


async def test_a_bucket_with_something_else_is_refused(place: Place, bucket: ObjectStore, new_place: NewPlace) -> None:
    """Nothing is written beside other people's objects."""
    await bucket.put("some/where/letter.txt", b"dear")
    with pytest.raises(BackupRefused, match="not a place of backups"):
        opened(bucket)
    assert await keys(bucket) == ["letter.txt"]


@pytest.fixture
async def locking(new_place: NewPlace, credentials: None) -> AsyncIterator[ObjectStore]:
    """A bucket with Object Lock."""
    store = (await new_place()).store
    await store.transport.call("delete_bucket")
    await store.transport.call("create_bucket", ObjectLockEnabledForBucket=True)
    yield store
    pages = await store.transport.call("list_object_versions", all_pages=True)
    for each in (one for page in pages for kind in ("Versions", "DeleteMarkers") for one in page.get(kind, [])):
        await store.transport.call(
            "delete_object", Key=each["Key"], VersionId=each["VersionId"], BypassGovernanceRetention=True
        )


async def test_contents_are_locked_and_of_their_class(place: Place, locking: ObjectStore) -> None:
    """Each content is locked for at least the days asked for, and is stored in the class asked for."""
    options = BucketOptions(locking.config.endpoint, "STANDARD_IA", lock_days=3)
    with closing(BucketTarget.prepared(address_of(locking), options)) as target:
        await take(place, target)
        await take(place, target)
        backup_in(target).check(silent)
        for name in target.contents():
            head = await locking.transport.call("head_object", Key=f"some/where/contents/{name}")
            assert head["ObjectLockMode"] == "GOVERNANCE"
            assert (head["ObjectLockRetainUntilDate"] - head["LastModified"]).days >= 3
            assert head["StorageClass"] == "STANDARD_IA"


async def test_verification_finds_what_differs(
    place: Place, target: BucketTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restored into servers of its own a backup is the same; a changed document and a changed content are found."""
    await take(place, target)
    backup = backup_in(target)
    found = await verify_backup(backup, silent)
    assert (found.differences, found.contents) == ([], len(CONTENTS))
    assert found.documents == backup.manifest.documents

    async def restored_badly(mongo: Mongo, prefix: str, *rest: Any) -> None:
        await restore_documents(mongo, prefix, *rest)
        await mongo.database(f"{prefix}metadata")["nodes"].update_one({"_id": "node-7"}, {"$set": {"n": -1}})

    async def sent_badly(store: ObjectStore, *_: Any, **__: Any) -> None:
        for key, content in CONTENTS.items():
            await store.put(key, content.replace(b"two", b"owt"))

    monkeypatch.setattr("docstore_standalone.backup.restore.restore_documents", restored_badly)
    monkeypatch.setattr("docstore_standalone.backup.restore._restore_objects", sent_badly)
    differences = (await verify_backup(backup, silent)).differences
    assert ["metadata.nodes" in differences[0], "uploads/2" in differences[1], len(differences)] == [True, True, 2]

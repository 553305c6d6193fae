"""Backups of real databases and a real bucket, restored beside them: whole, consistent, or refused."""

import asyncio
import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from backup_places import CONTENTS, NewPlace, Place, backup_in, restore, take, whole_backups
from simulated_crash import SimulatedCrash, crash_at

import docstore_standalone.backup
from docstore_contents.deletion_hold import COLLECTION, HoldLost, deletions_held
from docstore_contents.s3.transport import S3Transport
from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Session
from docstore_standalone.backup.manifest import BackupDamaged, BackupRefused
from docstore_standalone.backup.progress import Step, silent
from docstore_standalone.backup.restore import restore_into

pytestmark = pytest.mark.connected

OURS = Path(docstore_standalone.backup.__file__).parent


def unmended(documents: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Without what a restore sets right, and what is a running deployment's only."""
    ours = ("metadata.journals", f"{COLLECTION}", "indexer.jobs")
    return {name: rows for name, rows in documents.items() if not name.endswith(ours)}


async def test_a_restore_equals_the_backup(place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """Each document to the bit, indexes, empty collections; each content with its type; and private all the while."""
    taken = await take(place, tmp_path / "backups")
    other: Place = await new_place()
    await restore(other, tmp_path / "backups")
    assert unmended(await other.documents()) == unmended(await place.documents())
    assert await other.contents() == await place.contents() == CONTENTS
    indexes = [await one.database("metadata")["nodes"].index_information() for one in (place, other)]
    assert indexes[0] == indexes[1]
    for key in CONTENTS:
        info = await other.store.head(key)
        assert info is not None
        assert (info.content_type, info.metadata) == ("text/x-ours", {"name": "value"})
    assert (taken.manifest.object_count, taken.copied) == (len(CONTENTS), len(CONTENTS))
    assert not await deletions_held(place.database("metadata"))
    assert not [
        name for name in await other.mongo.database_names(other.deployment.database_prefix) if "restore" in name
    ]
    for path in (tmp_path / "backups").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


async def test_a_content_that_the_store_does_not_list_is_copied(
    place: Place, new_place: NewPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that was killed in the middle of a PUT may read an object that it leaves out of its listings."""
    key = next(iter(CONTENTS))
    await place.database("metadata")["objects"].insert_many([{"_id": key, "refs": 1}, {"_id": "gone", "refs": 1}])
    call = S3Transport.call

    async def without_it(self: S3Transport, method: str, **arguments: Any) -> Any:
        answer = await call(self, method, **arguments)
        if method == "list_objects_v2":
            answer["Contents"] = [entry for entry in answer["Contents"] if entry["Key"] != key]
        return answer

    monkeypatch.setattr(S3Transport, "call", without_it)
    taken = await take(place, tmp_path / "backups")
    monkeypatch.undo()
    assert taken.manifest.object_count == len(CONTENTS)
    other: Place = await new_place()
    await restore(other, tmp_path / "backups")
    assert await other.contents() == CONTENTS


async def test_all_databases_are_of_one_moment(place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """What a transaction wrote to two databases is in the backup in both or in none, whatever goes on meanwhile."""
    ledgers = [place.database(service)["ledger"] for service in ("accounts", "metadata", "quota")]
    for ledger in ledgers:
        await ledger.insert_many([{"_id": number, "sum": 0} for number in range(50)])
    stop = asyncio.Event()

    async def move() -> None:
        number = 0
        while not stop.is_set():
            number += 1

            async def both(session: Session, number: int = number) -> None:
                for ledger, change in zip(ledgers, (1, 1, -2), strict=True):
                    await ledger.update_one({"_id": number % 50}, {"$inc": {"sum": change}}, session=session)

            await place.mongo.transaction(both)

    moving = asyncio.create_task(move())
    for _ in range(5):
        await take(place, tmp_path / "backups")
    stop.set()
    await moving
    for name in sorted(path.name for path in (tmp_path / "backups" / "backups").iterdir()):
        other: Place = await new_place()
        await restore(other, tmp_path / "backups", name)
        rows = await other.documents()
        sums = [[row["sum"] for row in rows[f"{service}.ledger"]] for service in ("accounts", "metadata", "quota")]
        assert [sum(each) for each in zip(*sums, strict=True)] == [0] * 50
        assert sum(sums[0])


async def test_the_second_backup_copies_what_is_new(place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """Packs are rewritten under their key: then both contents are kept, and each backup restores its own."""
    first = await take(place, tmp_path)
    again = await take(place, tmp_path)
    assert (again.copied, again.manifest.object_count) == (0, len(CONTENTS))
    changes = {"accounts/ada/packs/6": b"six", "accounts/ada/uploads/7/content": b"seven"}
    for key, content in changes.items():
        await place.store.put(key, content)
    await place.store.delete("accounts/ada/uploads/2/ü %&+?.txt")
    third = await take(place, tmp_path)
    assert (third.copied, third.copied_bytes) == (2, 8)
    for taken, expected in ((first, CONTENTS), (third, await place.contents())):
        other: Place = await new_place()
        await restore(other, tmp_path, taken.manifest.name)
        assert await other.contents() == expected
    (tmp_path / "catalogue.sqlite").write_bytes(b"no database at all")
    assert (await take(place, tmp_path)).copied == len(CONTENTS)


async def test_older_backups_go_with_what_only_they_had(place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """Of three the newest two stay, whole; what the first alone had, and leftovers of one cut off, are gone."""
    await place.store.put("accounts/ada/uploads/8/content", b"only at first")
    names = [(await take(place, tmp_path)).manifest.name]
    await place.store.delete("accounts/ada/uploads/8/content")
    names.append((await take(place, tmp_path, keep=2)).manifest.name)
    (tmp_path / "contents" / "drafts").mkdir(exist_ok=True)
    (tmp_path / "contents" / "drafts" / "left").write_bytes(b"half")
    last = await take(place, tmp_path, keep=2)
    assert last.removed == names[:1]
    for name in (names[1], last.manifest.name):
        backup_in(tmp_path, name).check(silent)
    assert len([path for path in (tmp_path / "contents").rglob("*") if path.is_file()]) == len(set(CONTENTS.values()))


async def test_cut_off_at_any_line_it_is_taken_again(place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """What was begun is no backup; the next run makes a whole one, and an older one stays what it was."""
    with crash_at(OURS) as lines:
        await take(place, tmp_path / "measured")
    expected = unmended(await place.documents())
    for number in range(1, lines.run, lines.run // 12):
        folder = tmp_path / str(number)
        with pytest.raises(SimulatedCrash), crash_at(OURS, number):
            await take(place, folder)
        assert not whole_backups(folder) or number > lines.run * 0.9
        await take(place, folder)
        backup_in(folder).check(silent)
        with suppress(SimulatedCrash), crash_at(OURS, number):  # a second one may be done before it comes to that line
            await take(place, folder, keep=1)
        backup_in(folder).check(silent)
        shutil.rmtree(folder)
    other: Place = await new_place()
    await take(place, tmp_path / "measured")
    await restore(other, tmp_path / "measured")
    assert unmended(await other.documents()) == expected


async def test_cut_off_at_any_line_it_is_restored_again(place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """Run again, the restore ends as if nothing had happened; another backup is not mixed into it."""
    await take(place, tmp_path)
    await take(place, tmp_path)
    older = backup_in(tmp_path, min(path.name for path in (tmp_path / "backups").iterdir()))
    with crash_at(OURS) as lines:
        await restore(await new_place(), tmp_path)
    for number in range(lines.run // 10, lines.run, lines.run // 10):
        other: Place = await new_place()
        with pytest.raises(SimulatedCrash), crash_at(OURS, number):
            await restore(other, tmp_path)
        prefix = other.deployment.database_prefix
        names = await other.mongo.database_names(prefix)
        if f"{prefix}restore" in names:
            with pytest.raises(BackupRefused, match="another backup"):
                await restore_into(other.deployment, older, silent)
        if f"{prefix}restore" in names or not names:
            await restore(other, tmp_path)
        assert unmended(await other.documents()) == unmended(await place.documents())
        assert await other.contents() == CONTENTS


async def test_events_are_republished_and_inboxes_kept(place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """The broker that comes with the restore knows nothing; and however old a backup is, nothing is handled twice."""
    long_ago = utc_now() - timedelta(days=29)  # a day later the database would remove it
    metadata = place.database("metadata")
    await metadata["outbox"].insert_many([{"_id": state, "state": state} for state in ("sent", "pending", "refused")])
    await metadata["inbox"].insert_one({"_id": "handled", "handled_at": long_ago})
    await metadata["inbox"].create_index("handled_at", expireAfterSeconds=30 * 24 * 3600)
    await metadata["sent_logs"].insert_one({"_id": "files:0", "last_batch": 5})
    await metadata["outbox_lease"].insert_one({"_id": "relay", "owner": "somebody"})
    began = utc_now()
    await take(place, tmp_path)
    other: Place = await new_place()
    await restore(other, tmp_path)
    rows = await other.documents()
    assert {row["_id"]: row["state"] for row in rows["metadata.outbox"]} == {
        "sent": "pending",
        "pending": "pending",
        "refused": "refused",
    }
    assert (began - rows["metadata.inbox"][0]["handled_at"]).total_seconds() < 1
    assert rows["metadata.sent_logs"] == []
    assert "metadata.outbox_lease" not in rows
    journals = {row["_id"]: row for row in rows["metadata.journals"]}
    assert journals.keys() == {"ada", "bob"}
    assert all(row["seq"] > 10**10 and row["epoch"] == str(row["seq"]) for row in journals.values())


@pytest.mark.parametrize("victim", ["manifest.json", "objects.jsonl.zst", "nodes.bson.zst", "content", "marker"])
async def test_a_damaged_backup_is_refused(victim: str, place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """A changed byte, a cut off end, or a missing file: the error names it, and no stack is created."""
    await take(place, tmp_path)
    path = {
        "content": lambda: max((tmp_path / "contents").rglob("*"), key=lambda each: each.stat().st_size),
        "marker": lambda: tmp_path / "docstore-backups.json",
    }.get(victim, lambda: next(tmp_path.rglob(victim)))()
    whole = path.read_bytes()
    changed = bytes([whole[0] ^ 1]) + whole[1:], whole[: len(whole) // 2] + b"?" + whole[len(whole) // 2 + 1 :]
    for damaged in (*changed, whole[:-2], b"", None):
        path.unlink()
        if damaged is not None:
            path.write_bytes(damaged)
        with pytest.raises((BackupDamaged, BackupRefused)):
            backup_in(tmp_path).check(silent)
        other: Place = await new_place()
        with pytest.raises((BackupDamaged, BackupRefused)):
            await restore(other, tmp_path)
        names = await other.mongo.database_names(other.deployment.database_prefix)
        assert names == [f"{other.deployment.database_prefix}restore"] * (victim == "content")
        path.write_bytes(whole)
    backup_in(tmp_path).check(silent)


async def test_a_folder_in_use_is_refused_as_target(place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """Other users' folders, other versions, other regions; databases and buckets with anything in them."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    (tmp_path / "file").write_text("")
    for folder in ("mine", "file"):
        with pytest.raises(BackupRefused):
            await take(place, tmp_path / folder)
    with pytest.raises(BackupRefused):
        backup_in(tmp_path / "nowhere")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    backups = tmp_path / "backups"
    await take(place, backups)
    with pytest.raises(BackupRefused, match="us-west-2"):
        await take(replace(place, deployment=replace(place.deployment, region="eu-north-1")), backups)
    with pytest.raises(BackupRefused, match="no backup"):
        backup_in(backups, "yesterday")
    full: Place = await new_place()
    await full.database("metadata")["nodes"].insert_one({"_id": 1})
    with pytest.raises(BackupRefused, match="not empty"):
        await restore(full, backups)
    filled: Place = await new_place()
    await filled.store.put("something", b"")
    with pytest.raises(BackupRefused, match="not empty"):
        await restore(filled, backups)
    assert await filled.contents() == {"something": b""}
    (backups / "docstore-backups.json").write_text('{"format": 2}')
    with pytest.raises(BackupRefused, match="another version"):
        await take(place, backups)


async def test_one_backup_at_a_time_in_a_folder(place: Place, tmp_path: Path) -> None:
    """The second command fails with the reason and does not affect the first; one to another folder runs beside it."""
    refusals: list[str] = []

    async def another() -> None:
        with pytest.raises(BackupRefused) as refused:
            await take(place, tmp_path / "one")
        refusals.append(str(refused.value))
        await take(place, tmp_path / "other")

    beside: list[asyncio.Task[None]] = []

    def on_step(step: Step) -> None:
        if not beside:
            beside.append(asyncio.create_task(another()))

    await take(place, tmp_path / "one", on_step=on_step)
    await beside[0]
    assert "another backup" in refusals[0] or "nothing" in refusals[0]
    backup_in(tmp_path / "one").check(silent)
    backup_in(tmp_path / "other").check(silent)


async def test_deletions_are_held_from_before_the_moment_until_all_is_copied(place: Place, tmp_path: Path) -> None:
    """At each step; where the hold has ended, because the command stood still, there is no backup."""
    metadata = place.database("metadata")
    looks: list[asyncio.Task[bool]] = []
    await take(place, tmp_path, on_step=lambda _: looks.append(asyncio.create_task(deletions_held(metadata))))
    assert len(looks) > 2
    assert all(await asyncio.gather(*looks[:-1]))
    ended: list[asyncio.Task[Any]] = []
    await place.store.put("accounts/ada/uploads/9/content", b"nine")

    def end(_: Step) -> None:
        if not ended:
            ended.append(asyncio.ensure_future(metadata[COLLECTION].delete_many({})))

    with pytest.raises(HoldLost):
        await take(place, tmp_path, on_step=end)
    assert len(whole_backups(tmp_path)) == 1
    assert (await take(place, tmp_path)).copied <= 1

"""Failures of backups and restores: interruptions, clocks, slow disks, damaged contents."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from archiving_store import archiving_store
from backup_places import CONTENTS, NewPlace, Place, backup_in, restore, take, whole_backups
from simulated_crash import SimulatedCrash, crash_at

import docstore_standalone.backup
from docstore_contents.deletion_hold import COLLECTION
from docstore_platform.clock import utc_now
from docstore_standalone.backup.database.dump import HISTORY_SECONDS
from docstore_standalone.backup.database.history_window import PARAMETER, HistoryWindow
from docstore_standalone.backup.deployment import reached
from docstore_standalone.backup.manifest import BackupDamaged, BackupRefused
from docstore_standalone.backup.places.folder_target import FolderTarget
from docstore_standalone.backup.progress import Step, silent
from docstore_standalone.embedded.object_store import PROBE_KEY
from docstore_standalone.servers import Servers
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import RESTORING_FILE

pytestmark = pytest.mark.connected

OURS = Path(docstore_standalone.backup.__file__).parent
LARGE = "accounts/ada/uploads/5/content"


async def test_a_partial_restore_is_not_backed_up(place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """Wherever the restore was cut off, the good backup stays; restored to its end, it can be backed up."""
    good = await take(place, tmp_path)
    with crash_at(OURS) as lines:
        await restore(await new_place(), tmp_path)
    for share in (4, 6, 8):
        other: Place = await new_place()
        with suppress(SimulatedCrash), crash_at(OURS, lines.run * share // 10):
            await restore(other, tmp_path)
        assert f"{other.deployment.database_prefix}restore" in await other.mongo.database_names("")
        with pytest.raises(BackupRefused, match="incomplete"):
            await take(other, tmp_path, keep=1)
        assert [path.parent for path in whole_backups(tmp_path)] == [Path(good.location)]
    await restore(other, tmp_path)
    await take(other, tmp_path, keep=1)
    backup_in(tmp_path).check(silent)


async def test_a_data_folder_that_is_half_restored_is_not_backed_up(tmp_path: Path) -> None:
    """Its stack is not even started."""
    (tmp_path / RESTORING_FILE).write_text('"digest"')
    with pytest.raises(BackupRefused, match="incomplete"):
        async with reached(StandaloneSettings(data=tmp_path)):
            pass


async def test_a_clock_that_was_ahead_makes_no_later_backup_go(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one that was taken stays and is restored, whatever the clock showed before."""
    with monkeypatch.context() as patch:
        patch.setattr("docstore_standalone.backup.take.utc_now", lambda: utc_now() + timedelta(days=40))
        ahead = await take(place, tmp_path)
    taken = await take(place, tmp_path, keep=1)
    assert taken.removed == [ahead.manifest.name]
    assert backup_in(tmp_path).manifest == taken.manifest
    assert taken.manifest.began_at < ahead.manifest.began_at


async def test_others_have_their_turn_where_there_is_nothing_to_copy(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each page: so the hold on deletions is renewed however many objects are known."""
    await take(place, tmp_path)
    monkeypatch.setattr("docstore_standalone.backup.objects.copy.PAGE", 1)
    turns, seen = 0, []

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def on_step(step: Step) -> None:
        if step.phase == "contents":
            seen.append(turns)

    beside = asyncio.create_task(take_turns())
    taken = await take(place, tmp_path, on_step=on_step)
    beside.cancel()
    assert taken.copied == 0
    assert len(seen) == len(CONTENTS)
    assert sorted(set(seen)) == seen


async def test_contents_gone_bad_are_copied_again_after_a_check(
    place: Place, new_place: NewPlace, tmp_path: Path
) -> None:
    """Of the right size or missing: the check counts them, and each backup is whole again after the next one."""
    first = await take(place, tmp_path)
    target = FolderTarget.existing(tmp_path)
    bad = [target.content(sha256(CONTENTS[key]).hexdigest()) for key in ("accounts/ada/packs/6", LARGE)]
    for path in bad:
        path.write_bytes(b"?" * path.stat().st_size)
    missing = target.content(sha256(b"two").hexdigest())
    missing.unlink()
    with target.locked(), pytest.raises(BackupDamaged, match="2 others; check the backup again"):
        backup_in(tmp_path).check(silent)
    assert all(path.exists() for path in bad), "somebody else worked on the folder"
    with pytest.raises(BackupDamaged, match="2 others; the next backup copies"):
        backup_in(tmp_path).check(silent)
    again = await take(place, tmp_path)
    assert again.copied == 3
    for name in (first.manifest.name, again.manifest.name):
        backup_in(tmp_path, name).check(silent)
    other: Place = await new_place()
    await restore(other, tmp_path, first.manifest.name)
    assert await other.contents() == CONTENTS
    last = await take(place, tmp_path, keep=1)
    assert len(last.removed) == 2
    assert len(list(target.contents())) == len(set(CONTENTS.values()))


async def test_archived_contents_stay_in_backups_without_the_catalogue(
    place: Place, new_place: NewPlace, servers: Servers, tmp_path: Path
) -> None:
    """The newest backup knows them, so that pruning keeps the only readable copy; one that no backup has is named."""
    await take(place, tmp_path)
    never_copied = "accounts/ada/uploads/9/content"
    await place.store.put(never_copied, b"nine")
    (tmp_path / "catalogue.sqlite").write_bytes(b"no database at all")
    s3 = place.deployment.s3
    async with archiving_store(servers.s3_endpoint) as proxy:
        for key in (LARGE, "accounts/ada/packs/6", never_copied):
            proxy.classes[f"/{s3.bucket}/{key}"] = "GLACIER"
        cold = replace(place, deployment=replace(place.deployment, s3=replace(s3, endpoint=proxy.url)))
        taken = await take(cold, tmp_path, keep=1)
        again = await take(cold, tmp_path, keep=1)
    assert taken.left_out == again.left_out == [never_copied]
    assert (len(taken.removed), again.copied) == (1, 0)
    other: Place = await new_place()
    await restore(other, tmp_path)
    assert await other.contents() == CONTENTS


async def window(place: Place, seconds: int | None = None) -> int:
    """How long the server can read the past, after the change."""
    admin = place.mongo.database("admin")
    if seconds is not None:
        await admin.command({"setParameter": 1, PARAMETER: seconds})
    found: int = (await admin.command({"getParameter": 1, PARAMETER: 1}))[PARAMETER]
    return found


@pytest.fixture
async def usual_window(place: Place) -> AsyncIterator[int]:
    usual = await window(place)
    yield usual
    await window(place, usual)


async def test_a_longer_history_of_the_operator_stays(
    place: Place, usual_window: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the backup is taken, too; a shorter one is longer for that time only."""
    meanwhile: list[int] = []
    release = HistoryWindow.release

    async def looked_at(held: HistoryWindow) -> None:
        meanwhile.append(await window(place))
        await release(held)

    monkeypatch.setattr(HistoryWindow, "release", looked_at)
    for before in (3600, 60):
        await window(place, before)
        await take(place, tmp_path)
        assert await window(place) == before
    assert meanwhile == [3600, HISTORY_SECONDS]


async def test_the_history_of_the_operator_comes_back_after_a_backup_that_was_killed(
    place: Place, usual_window: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once its time has passed, with the next one; until then it may be at work, and who ends leaves it its history."""

    async def killed(_: HistoryWindow) -> None:
        """It never comes to that."""

    holds = place.database("accounts")[COLLECTION]
    for since, expected in ((None, 60), (7200, 7200)):
        await window(place, 60)
        with monkeypatch.context() as patch:
            patch.setattr(HistoryWindow, "release", killed)
            await take(place, tmp_path)
        await take(place, tmp_path)
        assert await window(place) == HISTORY_SECONDS
        await holds.update_one({"holders": {"$ne": None}}, [{"$set": {"holders.until": "$$NOW"}}])
        await window(place, since)
        await take(place, tmp_path)
        assert await window(place) == expected
        assert await holds.count_documents({}) == 0


async def test_readiness_probes_are_not_accesses(place: Place, new_place: NewPlace, tmp_path: Path) -> None:
    """A restore that was killed while its store started is run again: what that left there does not count."""
    await take(place, tmp_path)
    other: Place = await new_place()
    await other.store.put(PROBE_KEY, b"")
    await restore(other, tmp_path)
    assert await other.contents() == {PROBE_KEY: b"", **await place.contents()}

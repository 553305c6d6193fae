"""Two devices sync a folder each with one account, against a whole DocStore."""

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from deployments import Deployment
from synced_folders import tree, write

from docstore_client import AsyncClient
from docstore_client.blocks.chunking import Block
from docstore_client.downloading.block_downloads import BlockDownloads, Page
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually
from docstore_sync.engine import ConfirmationRequired, Engine, Result, engine
from docstore_sync.model import ActionType
from docstore_sync.status import read_status

PASSWORD = "correct horse battery staple"
pytestmark = pytest.mark.connected


class Calls(AsyncClient):
    """A client that counts what it is asked for."""

    def reset(self) -> None:
        self.made: list[str] = []
        self.blocks = 0
        """That were missing at the server."""
        connection = self._connection
        ask = type(connection).ask

        async def counted(method: str, path: str, *args: object, **options: object) -> object:
            self.made.append(f"{method} {path}")
            answer = await ask(connection, method, path, *args, **options)  # type: ignore[arg-type]
            if path == "/v1/blocks/missing":
                self.blocks += len(answer.json()["missing"])
            return answer

        connection.ask = counted  # type: ignore[method-assign,assignment]


Device = tuple[Path, Engine, Calls]
NewDevice = Callable[[str], Awaitable[Device]]


async def limit(client: AsyncClient) -> int:
    usage = (await client.me()).usage
    assert usage is not None
    return usage.limit


@pytest.fixture
async def device(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NewDevice]:
    """Makes devices of one new account: its folder, its engine, its client."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    email = f"sync-{new_id()[-10:]}@example.org"
    async with AsyncExitStack() as closing:
        first = await closing.enter_async_context(AsyncClient(deployment.gateway))
        await first.sign_up(email, PASSWORD)
        await first.log_in(email, PASSWORD)
        free = await limit(first)
        await first.call("PUT", "/v1/me/plan", {"plan": "premium"})

        async def has_more_room() -> bool:
            return await limit(first) > free

        await eventually(has_more_room)  # quota handles the event of the new plan

        async def new_device(name: str) -> Device:
            client = await closing.enter_async_context(Calls(deployment.gateway))
            await client.log_in(email, PASSWORD, name)
            client.reset()
            folder = tmp_path / name
            return folder, await closing.enter_async_context(engine(folder, client, name)), client

        yield new_device


async def both(first: Device, second: Device) -> None:
    """Both sync until neither has anything to do; their folders are the same then, byte for byte."""
    for _ in range(6):
        results = [await each.sync() for _, each, _ in (first, second)]
        assert not [failure for result in results for failure in result.failures], results
        if not any(result.done for result in results):
            break
    assert tree(first[0]) == tree(second[0])


async def test_two_devices_come_to_one_tree(device: NewDevice) -> None:
    """New, edited, renamed, moved and deleted files, folders that are empty, files that are: all of it arrives."""
    one, two = await device("laptop"), await device("desk")
    for number in range(30):
        write(one[0] / f"docs/{number}.txt", f"text {number}")
    write(one[0] / "large.bin", os.urandom(3_000_000))
    (one[0] / "empty folder").mkdir()
    write(one[0] / "empty file", "")
    await both(one, two)
    assert len(tree(two[0])) == 34
    write(two[0] / "docs/0.txt", "edited")
    (two[0] / "docs").rename(two[0] / "papers")
    (one[0] / "large.bin").rename(one[0] / "docs/moved.bin")
    (one[0] / "empty folder").rmdir()
    (one[0] / "docs/1.txt").unlink()
    await both(one, two)
    assert (one[0] / "papers/0.txt").read_text() == "edited"
    assert (two[0] / "papers/moved.bin").stat().st_size == 3_000_000
    assert not (two[0] / "empty folder").exists()
    assert not (two[0] / "papers/1.txt").exists()


async def test_edits_of_both_are_both_kept(device: NewDevice) -> None:
    """One keeps the name, the other is beside it and names its device; an edit outlives a deletion."""
    one, two = await device("laptop"), await device("desk")
    write(one[0] / "a.txt", "first")
    write(one[0] / "b.txt", "first")
    await both(one, two)
    write(one[0] / "a.txt", "of the laptop")
    write(two[0] / "a.txt", "of the desk")
    write(one[0] / "b.txt", "still needed")
    (two[0] / "b.txt").unlink()
    await both(one, two)
    contents = {path.name: path.read_text() for path in one[0].iterdir()}
    assert contents.pop("b.txt") == "still needed"
    assert contents.pop("a.txt") == "of the laptop"
    ((name, content),) = contents.items()
    assert (content, "conflicted copy" in name, "desk" in name) == ("of the desk", True, True)


async def test_a_race_for_one_version_is_a_conflict_and_not_an_overwrite(device: NewDevice) -> None:
    """Both upload a next version without knowing of each other: the second finds its base stale."""
    one, two = await device("laptop"), await device("desk")
    write(one[0] / "a.txt", "first")
    await both(one, two)
    write(one[0] / "a.txt", "one")
    write(two[0] / "a.txt", "two")
    results = await asyncio.gather(one[1].sync(), two[1].sync())
    assert any(isinstance(result, Result) for result in results)
    await both(one, two)
    assert sorted(content for content in tree(one[0]).values() if content) == [b"one", b"two"]


async def test_nothing_changed_costs_one_look_at_the_feed(device: NewDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """No listing, no transfer, no file is read."""
    folder, syncing, client = await device("laptop")
    for number in range(50):
        write(folder / f"{number % 5}/{number}.txt", f"{number}")
    await syncing.sync()
    client.reset()
    read: list[Path] = []
    monkeypatch.setattr("docstore_sync.local.scan.hash_steady", lambda path, *_: read.append(path))
    result = await syncing.sync()
    assert (result.done, client.made, read) == (0, ["GET /v1/changes"], [])


async def test_small_files_travel_in_packs_both_ways(device: NewDevice) -> None:
    """300 new files: one pack is begun and completed; the second device asks once where they are."""
    one, two = await device("laptop"), await device("desk")
    for number in range(300):
        write(one[0] / f"{number % 9}/{number}.txt", f"text {number} " * 10)
    await one[1].sync()
    await two[1].sync()
    assert tree(one[0]) == tree(two[0])
    sent = [call for call in one[2].made if call.startswith("POST")]
    assert [call.split("/")[2] for call in sent] == ["packs", "packs"]
    fetched = [call for call in two[2].made if call.startswith("POST") or "content" in call]
    assert fetched == ["POST /v1/contents"]


async def test_only_changed_blocks_of_a_large_file_are_sent(device: NewDevice) -> None:
    """A few bytes are inserted in the middle: one or two blocks are sent, and no more are fetched."""
    one, two = await device("laptop"), await device("desk")
    content = random.Random(6).randbytes(6 << 20)  # where blocks are cut is up to the content
    write(one[0] / "large.bin", content)
    await both(one, two)
    assert one[2].blocks >= 4
    one[2].reset()
    write(one[0] / "large.bin", content[: 3 << 20] + b"inserted" + content[3 << 20 :])
    fetched: list[int] = []
    get = BlockDownloads._get

    async def counted(self: BlockDownloads, block: Block, page: Page) -> bytes:
        fetched.append(block.size)
        return await get(self, block, page)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BlockDownloads, "_get", counted)
        await both(one, two)
    assert one[2].blocks in (1, 2)
    assert len(fetched) == one[2].blocks


async def test_renaming_a_folder_of_many_is_one_call(device: NewDevice) -> None:
    """Nothing is sent, and the other device renames, too, without fetching."""
    one, two = await device("laptop"), await device("desk")
    for number in range(1000):
        write(one[0] / f"old/{number}", f"{number}")
    await both(one, two)
    one[2].reset()
    two[2].reset()
    (one[0] / "old").rename(one[0] / "new")
    await one[1].sync()
    await two[1].sync()
    assert [call.split(" ")[0] for call in one[2].made if "changes" not in call] == ["PATCH"]
    assert not [call for call in two[2].made if "changes" not in call]
    assert tree(one[0]) == tree(two[0])


async def test_a_dry_run_changes_nothing(device: NewDevice) -> None:
    """It prints what would be done; neither side is changed."""
    folder, syncing, client = await device("laptop")
    write(folder / "here.txt", "here")
    await client.make_folder("/there")
    planned = await syncing.dry_run()
    assert {action.do for action in planned.actions} == {ActionType.UPLOAD, ActionType.MAKE_LOCAL}
    assert list(tree(folder)) == ["here.txt"]
    assert [file.name for file in await client.list_folder("/")] == ["there"]


async def test_a_mass_deletion_and_another_folder_ask_first(device: NewDevice) -> None:
    """A folder that has lost nearly all, or is another one (a disk that is not mounted), deletes nothing unasked."""
    one, two = await device("laptop"), await device("desk")
    for number in range(12):
        write(one[0] / f"{number}", f"{number}")
    await both(one, two)
    for path in list(one[0].iterdir()):
        path.unlink()
    with pytest.raises(ConfirmationRequired, match="12 of 12"):
        await one[1].sync()
    shutil.rmtree(two[0])
    with pytest.raises(ConfirmationRequired, match="is gone"):
        await two[1].sync()
    assert len(await one[2].list_folder("/")) == 12


async def test_ignored_files_are_left_alone(device: NewDevice) -> None:
    """By .docstoreignore as in .gitignore, and symbolic links: not sent, not deleted, not overwritten."""
    one, two = await device("laptop"), await device("desk")
    write(one[0] / ".docstoreignore", "*.log\nbuild/\n!keep.log\n")
    for name in ("a.log", "keep.log", "build/x", "src/b.log", "src/c.txt"):
        write(one[0] / name, name)
    (one[0] / "link").symlink_to("src")
    for each in (one, two):
        await each[1].sync()
    assert set(tree(two[0])) == {".docstoreignore", "keep.log", "src", "src/c.txt"}
    assert (one[0] / "build/x").exists()
    status = read_status(one[0])
    assert status is not None
    assert status.aside == ["link: it is a symbolic link"]


async def test_watching_devices_receive_each_others_changes(device: NewDevice) -> None:
    """A change here is there in a moment, by the disk's and the feed's word alone, and the other way round."""
    one, two = await device("laptop"), await device("desk")
    tasks = [asyncio.create_task(each.watch()) for _, each, _ in (one, two)]
    try:
        write(one[0] / "a.txt", "from the laptop")
        await eventually(lambda: asyncio.sleep(0, (two[0] / "a.txt").exists()))
        write(two[0] / "sub/b.txt", "from the desk")
        await eventually(lambda: asyncio.sleep(0, (one[0] / "sub/b.txt").exists()))
        (one[0] / "a.txt").unlink()
        await eventually(lambda: asyncio.sleep(0, not (two[0] / "a.txt").exists()))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_downloads_keep_the_date_of_the_file(device: NewDevice) -> None:
    """A file has the date that it has on the device it comes from; a replaced file's mode stays."""
    one, two = await device("laptop"), await device("desk")
    write(one[0] / "run.sh", "echo 1")
    await both(one, two)
    (two[0] / "run.sh").chmod(0o755)
    write(one[0] / "run.sh", "echo 2")
    os.utime(one[0] / "run.sh", (981_173_106.789, 981_173_106.789))
    await both(one, two)
    about = (two[0] / "run.sh").stat()
    assert about.st_mtime == 981_173_106.789
    assert about.st_mode & 0o777 == 0o755


async def test_a_folder_out_of_the_trash_is_back_on_every_device(device: NewDevice) -> None:
    """With all that was in it, although the feed contains the folder only."""
    one, two = await device("laptop"), await device("desk")
    write(one[0] / "d/sub/a.txt", "a")
    write(one[0] / "d/b.txt", "b")
    await both(one, two)
    before = tree(one[0])
    folder = await one[2].get_by_path("/d")
    await one[2].delete(folder.id)
    await both(one, two)
    assert tree(one[0]) == {}
    await one[2].restore(folder.id)
    await both(one, two)
    assert tree(two[0]) == before


async def test_three_devices_that_change_all_at_once(device: NewDevice) -> None:
    """Moves of one folder to different places, edits in it, a deletion: alike in the end, and no content is missing."""
    devices = [await device(name) for name in ("laptop", "desk", "phone")]
    one, two, three = devices
    for number in range(12):
        write(one[0] / f"work/{number}.txt", f"text {number}")
    for _, each, _ in devices:
        await each.sync()
    (one[0] / "work").rename(one[0] / "of the laptop")
    (two[0] / "work").rename(two[0] / "of the desk")
    write(two[0] / "of the desk/0.txt", "edited on the desk")
    write(three[0] / "work/0.txt", "edited on the phone")
    write(three[0] / "work/new.txt", "new on the phone")
    (three[0] / "work/1.txt").unlink()
    await asyncio.gather(*(each.sync() for _, each, _ in devices))
    for _ in range(4):
        for _, each, _ in devices:
            await each.sync()
    trees = [tree(folder) for folder, _, _ in devices]
    assert trees[0] == trees[1] == trees[2]
    contents = {content.decode() for content in trees[0].values() if content is not None}
    expected = {f"text {number}" for number in range(2, 12)}
    assert expected | {"edited on the desk", "edited on the phone", "new on the phone"} <= contents


async def test_synced_versions_keep_the_metadata_of_the_file(device: NewDevice) -> None:
    """A small file and one in blocks: what describes them outlives new versions and a rename."""
    folder, sync, client = await device("desk")
    write(folder / "small.txt", "one")
    write(folder / "large.bin", os.urandom(5 << 20))
    await sync.sync()
    for file in await client.list_folder("/"):
        await client.change(file.id, metadata={"author": "Ada"})
    await sync.sync()
    write(folder / "small.txt", "two")
    write(folder / "large.bin", os.urandom(5 << 20))
    await sync.sync()
    (folder / "small.txt").rename(folder / "renamed.txt")
    await sync.sync()
    found = {file.name: (file.version, file.metadata) for file in await client.list_folder("/")}
    assert found == dict.fromkeys(("renamed.txt", "large.bin"), (2, {"author": "Ada"}))

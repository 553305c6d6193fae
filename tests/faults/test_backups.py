"""A backup of a stack in use contains every acknowledged operation after the restore."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from busy_client import WORD, BusyClient, content_of, ended_uploads, no_dead_letters
from people import PASSWORD, Person
from stacks import SHORT_WAITS, DetachedStack, docstore, run
from synced_folders import Command, tree, write

from docstore_platform.testing import eventually
from docstore_standalone.credentials import load_credentials
from docstore_standalone.stack import ADMIN_EMAIL
from docstore_standalone.state import RESTORING_FILE, read_state

pytestmark = [pytest.mark.connected, pytest.mark.faults]


async def killed_once(is_at_work: Callable[[], bool], *arguments: str) -> None:
    """Begin a command, and kill -9 it when it is at work."""
    process = await asyncio.create_subprocess_exec(
        *docstore(*arguments), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )

    async def is_there() -> bool:
        return is_at_work() or process.returncode is not None

    await eventually(is_there, every=0.01)
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.wait()


async def restored(source: Path, data: Path) -> DetachedStack:
    """A stack on an empty folder, whose restore was killed twice; it can't be started before it is done."""
    arguments = ("restore-backup", str(source), "--data", str(data))
    marker = data / RESTORING_FILE
    await killed_once(marker.exists, *arguments)
    await killed_once(lambda: "s3" in read_state(data).addresses, *arguments)
    assert marker.exists()
    status, output = await run("up", "--detach", "--data", str(data))
    assert status != 0, "half of a backup was started"
    assert "restore-backup" in output
    status, output = await run(*arguments)
    assert status == 0, output
    status, output = await run(*arguments)
    assert status == 1, "it was restored into a folder with something in it"
    assert "not empty" in output
    return DetachedStack(data, SHORT_WAITS)


class Restless:
    """Someone who uploads in every form, edits, deletes and purges without end."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._dice = random.Random(7)
        self._number = 0

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        stop = asyncio.Event()

        async def work() -> None:
            while not stop.is_set():
                await self._step()

        working = asyncio.create_task(work())
        try:
            yield
        finally:
            stop.set()
            await working

    async def _step(self) -> None:
        self._number += 1
        path = f"/restless/{self._dice.randrange(12)}"
        content = f"{path} {self._number} ".encode() * self._dice.randrange(1, 400)
        blocks = [content[at : at + 1500] for at in range(0, len(content), 1500)]
        if self._number % 3:
            await self._person.upload(path, content)
        else:
            await self._person.upload_blocks(path, blocks)
        mine = await self._person.every("/v1/files", path="/restless")
        packed = await self._person.every("/v1/files", path="/packed")
        if len(mine) > 6:
            await self._purge(self._dice.choice(mine))
        if len(packed) > 20:
            await self._purge(packed[0])

    async def _purge(self, file: dict[str, Any]) -> None:
        await self._person.call("DELETE", f"/v1/files/{file['id']}")
        await self._person.call("DELETE", f"/v1/trash/{file['id']}")


async def everything_can_be_read(person: Person) -> int:
    """Check that each listed file has the bytes of its SHA-256; return how many there are."""
    folders, read = ["/"], 0
    while folders:
        for file in await person.every("/v1/files", path=folders.pop(), limit=500):
            if file["kind"] == "folder":
                folders.append(file["path"])
                continue
            for version in await person.every(f"/v1/files/{file['id']}/versions"):
                content = await person.content(file["id"], version["version"])
                assert sha256(content).hexdigest() == version["sha256"], file["path"]
            read += 1
    return read


async def counted_as_stored(person: Person) -> None:
    """The usage is what the versions that there are add up to, and nothing stays reserved."""
    for trashed in await person.every("/v1/trash"):  # the backup was taken before it was purged
        await person.call("DELETE", f"/v1/trash/{trashed['id']}")

    async def same() -> bool:
        files = [file for folder in ("/restless", "/packed") for file in await person.every("/v1/files", path=folder)]
        files += [file for file in await person.every("/v1/files", path="/") if file["kind"] == "file"]
        versions = [one for file in files for one in await person.every(f"/v1/files/{file['id']}/versions")]
        usage = await person.usage()
        return bool(usage["reserved"] == 0 and usage["used"] == sum(one["size"] for one in versions))

    await eventually(same, every=0.3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is synced, with small files that travel in packs and a larger one."""
    for number in range(30):
        write(tmp_path / "synced" / "packed" / f"{number}.txt", f"small file {number} " * 20)
    for name in ("kept", "edited", "deleted"):
        write(tmp_path / "synced" / f"{name}.txt", f"{name} before the backup")
    return tmp_path / "synced"


async def test_backups_of_a_busy_stack(stack: DetachedStack, folder: Path, tmp_path: Path) -> None:
    """People upload, edit and purge, a device syncs on afterwards, the commands are killed: nothing that was
    acknowledged before is lost, and the device, which knows more than the backup, deletes nothing of its own.
    """
    backups, device = tmp_path / "backups", Command(tmp_path / "home")
    async with BusyClient(lambda: stack.gateway) as client, await Person.new(stack.gateway, "restless") as person:
        await device.log_in(stack.gateway, person.email, PASSWORD)
        await device.sync(folder)
        async with client.working(), Restless(person).working():
            await client.promised(5)
            await killed_once((backups / "catalogue.sqlite").exists, "backup", str(backups), "--data", str(stack.data))
            for _ in range(3):
                promised = dict(client.promises.files)
                status, output = await run("backup", str(backups), "--data", str(stack.data))
                assert status == 0, output
            await client.promised(3)
        write(folder / "later.txt", "made after the backup")
        write(folder / "edited.txt", "edited after the backup")
        (folder / "deleted.txt").unlink()
        await device.sync(folder)
        before = tree(folder)
        twin = await restored(backups, tmp_path / "twin")
        secrets = [load_credentials(each.data) for each in (stack, twin)]
        assert secrets[0].server_secret != secrets[1].server_secret  # so contents are encrypted with a new key
        assert secrets[0].signing_secrets == secrets[1].signing_secrets
        await twin.up()
        try:
            client.person.gateway = person.gateway = twin.gateway  # with the tokens of the stack that was lost
            await as_promised(client, promised)
            assert await everything_can_be_read(person) > 3
            await counted_as_stored(person)
            await no_dead_letters(twin.gateway, (ADMIN_EMAIL, twin.admin_password))
            await device.log_in(twin.gateway, person.email, PASSWORD)
            await device.sync(folder)
            after = tree(folder)
            contents = list(after.values())
            assert all(content in contents for content in before.values()), "something of the device's is gone"
            assert after["later.txt"] == b"made after the backup"
            assert after["deleted.txt"] == b"deleted before the backup"
            assert {after["edited.txt"], b"edited after the backup"} <= set(contents)
            paths = {file["path"] for file in await person.every("/v1/files", path="/")}
            assert {"/later.txt", "/kept.txt", "/edited.txt", "/deleted.txt"} <= paths
            assert (await device.sync(folder))["steps"] == {}
        finally:
            await twin.down()


async def as_promised(client: BusyClient, promised: dict[str, int]) -> None:
    """What was acknowledged before the backup began is listed, readable, counted and found; new files come to it."""
    person = client.person
    await person.upload(path := client.next_path(), content_of(path))
    await ended_uploads(person)  # those under way when the backup was taken are completed by the workflow
    listed = await person.every("/v1/files", path="/busy", limit=500)
    assert promised.items() <= {file["path"]: file["size"] for file in listed}.items()
    for file in listed:
        assert await person.content(file["id"]) == content_of(file["path"])
    await person.counted(sum(file["size"] for file in listed))
    await person.found(WORD, *(file["path"] for file in listed), limit=100)

"""Cold storage with a store that refuses to read archived objects: from the upload to the notification, and back."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest
from archiving_store import ArchivingStore, archiving_store
from deployments import Deployment, Mailbox
from gateway_ports import free_gateway_port
from many_callers import MANY_CALLERS
from memory_folders import memory_folder
from people import Person
from shell import Shell

from docstore_client.blocks.chunking import BLOCKS_FROM, blocks_of
from docstore_platform.testing import eventually
from docstore_standalone.servers import Servers
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import start_stack

pytestmark = pytest.mark.connected

UNUSED_SECONDS = 20
COLD = MANY_CALLERS | {
    "NOTIFY_DIGEST_INTERVAL_SECONDS": "0",
    "DOCSTORE_ARCHIVE_CLASS": "GLACIER",
    "DOCSTORE_ARCHIVE_AFTER_DAYS": str(UNUSED_SECONDS / 86_400),
    "METADATA_COLD_INTERVAL_SECONDS": "0.3",
    "METADATA_RETRIEVAL_INTERVAL_SECONDS": "0.3",
}
SMALL, LARGE, WHOLE = 60_000, BLOCKS_FROM, 200_000
SMALLEST_MOVED = 128 << 10


@pytest.fixture(scope="module")
async def archive(servers: Servers) -> AsyncIterator[ArchivingStore]:
    async with archiving_store(servers.s3_endpoint) as store:
        yield store


@pytest.fixture(scope="module")
async def cold_deployment(
    tmp_path_factory: pytest.TempPathFactory, servers: Servers, archive: ArchivingStore
) -> AsyncIterator[Deployment]:
    """A stack whose object store has an archive, and whose contents are unused after seconds."""
    async with AsyncExitStack() as closing:
        data = closing.enter_context(memory_folder(tmp_path_factory.mktemp("cold")))
        settings = StandaloneSettings(
            data=data,
            port=free_gateway_port(),
            region=servers.region,
            s3_endpoint=archive.url,
            s3_access_key_id=servers.services_keys.access_key_id,
            s3_secret_access_key=servers.services_keys.secret_access_key,
        )
        with pytest.MonkeyPatch.context() as environment:
            for name, value in COLD.items():
                environment.setenv(name, value)
            stack = await closing.enter_async_context(await start_stack(settings, broker="tansu-in-memory"))
        yield Deployment(gateway=stack.gateway, mailbox=Mailbox(stack.servers.mailbox))


@pytest.fixture
async def ada(cold_deployment: Deployment) -> AsyncIterator[Person]:
    async with await Person.new(cold_deployment.gateway, mailbox=cold_deployment.mailbox) as person:
        yield person


@pytest.fixture
async def shell(ada: Person, tmp_path: Path) -> Shell:
    """Ada's machine, logged in, with a folder of files that become a pack, and one that becomes blocks."""
    shell = Shell(tmp_path / "home")
    await shell.log_in(ada)
    folder = shell.cwd / "docs"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.bin").write_bytes(Random(number).randbytes(SMALL))
    (folder / "large.bin").write_bytes(Random("large").randbytes(LARGE))
    return shell


async def test_unused_files_are_archived_and_come_back_on_request(
    ada: Person, shell: Shell, archive: ArchivingStore, cold_deployment: Deployment
) -> None:
    """Whole, in blocks and in a pack: refused with a reason while others are delivered; requested by the command; then
    a mail and a notification say that they are there, and they are what was sent."""
    await shell.done("put", "docs", "/")
    content = Random("whole").randbytes(WHOLE)
    whole = await ada.upload("/docs/whole.bin", content)

    large = [block for block in blocks_of(shell.cwd / "docs/large.bin") if block.size >= SMALLEST_MOVED]

    async def are_archived() -> bool:
        """The whole object, the pack, and the blocks that are worth it."""
        mine = [key for key in archive.archived() if key.startswith(f"accounts/{ada.id}/")]
        assert len(mine) <= 2 + len(large)
        return len(mine) == 2 + len(large)

    await eventually(are_archived)
    assert await ada.refused("GET", f"/v1/files/{whole['id']}/content") == (409, "archived")
    fresh = await ada.upload("/docs/fresh.txt", b"fresh")

    got = await shell.run("get", "/docs", "here/")
    assert got.status == 1
    assert got.err.count("cold storage") == 5
    assert (shell.cwd / "here/docs/fresh.txt").read_bytes() == b"fresh"
    synced = await shell.run("sync", "synced", "--once")
    assert synced.status != 0
    assert "cold storage" in synced.out + synced.err
    assert (shell.cwd / "synced/docs/fresh.txt").read_bytes() == b"fresh"
    assert archive.refused == []

    paths = [f"/docs/{name}" for name in ("0.bin", "1.bin", "2.bin", "large.bin", "whole.bin")]
    found = (await shell.run("retrieve", "--json", *paths, f"id:{fresh['id']}")).json
    assert [each["state"] for each in found] == ["requested"] * 5 + ["available"]
    assert "requested, expected by" in await shell.done("retrieve", paths[0])

    async def are_there() -> bool:
        archive.finish_restorations()
        return (await shell.run("get", "/docs", "there/")).status == 0

    await eventually(are_there)
    for file in (shell.cwd / "docs").iterdir():
        assert (shell.cwd / "there/docs" / file.name).read_bytes() == file.read_bytes()
    assert (shell.cwd / "there/docs/whole.bin").read_bytes() == content

    async def is_notified() -> bool:
        assert cold_deployment.mailbox
        titles = [notice["title"] for notice in await ada.every("/v1/notifications")]
        subjects = [mail.subject for mail in cold_deployment.mailbox.of(ada.email)]
        return all(any("can be read again" in text for text in texts) for texts in (titles, subjects))

    await eventually(is_notified)

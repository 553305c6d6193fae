"""WebDAV as a folder of the file system, by the programs that mount it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from dav_accounts import DavAccount, run_program

from docstore_platform.testing import eventually

pytestmark = [
    pytest.mark.doors,
    pytest.mark.skipif(not os.access("/dev/fuse", os.W_OK) or os.getuid() != 0, reason="needs root and /dev/fuse"),
]
LARGE = os.urandom(5 << 20)


@asynccontextmanager
async def rclone_mount(dav: DavAccount, folder: Path) -> AsyncIterator[Path]:
    """The account's files, mounted by rclone until the block ends."""
    mounted = folder / "mounted"
    mounted.mkdir()
    _, password = await run_program("rclone", "obscure", dav.password, cwd=folder)
    environment = {
        "RCLONE_CONFIG_DAV_TYPE": "webdav",
        "RCLONE_CONFIG_DAV_URL": dav.url,
        "RCLONE_CONFIG_DAV_VENDOR": "owncloud",
        "RCLONE_CONFIG_DAV_USER": dav.person.email,
        "RCLONE_CONFIG_DAV_PASS": password.strip(),
    }
    caching = ("--vfs-cache-mode", "full", "--cache-dir", str(folder / "cache"))
    rclone = asyncio.create_task(
        run_program("rclone", "mount", "dav:", str(mounted), *caching, cwd=folder, **environment)
    )
    try:
        await eventually(lambda: is_mounted(mounted))
        yield mounted
    finally:
        await run_program("fusermount3", "-u", str(mounted), cwd=folder)
        status, output = await rclone
        assert status == 0, output


@asynccontextmanager
async def davfs_mount(dav: DavAccount, folder: Path) -> AsyncIterator[Path]:
    """The account's files, mounted by davfs2, which locks what it writes, until the block ends."""
    mounted = folder / "mounted"
    mounted.mkdir()
    secrets, conf = folder / "secrets", folder / "davfs2.conf"
    secrets.write_text(f'{dav.url} "{dav.person.email}" "{dav.password}"\n')
    secrets.chmod(0o600)
    conf.write_text(f"secrets {secrets}\ndelay_upload 0\nask_auth 0\n")
    status, output = await run_program("mount.davfs", "-o", f"conf={conf}", dav.url, str(mounted), cwd=folder)
    assert status == 0, output
    try:
        yield mounted
    finally:
        status, output = await run_program("umount", str(mounted), cwd=folder)
        assert status == 0, output


async def is_mounted(folder: Path) -> bool:
    return await asyncio.to_thread(folder.is_mount)


@pytest.mark.parametrize(
    "mount",
    [
        pytest.param(rclone_mount, marks=pytest.mark.program("rclone"), id="rclone"),
        pytest.param(davfs_mount, marks=pytest.mark.program("mount.davfs"), id="davfs2"),
    ],
)
async def test_a_mounted_folder_is_used_like_any_other(mount, dav: DavAccount, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Files are written, read, overwritten, moved and deleted through the mount, and the API shows the same."""
    await dav.person.upload("/from elsewhere.txt", b"uploaded by the API")

    def work(mounted: Path) -> None:
        assert (mounted / "from elsewhere.txt").read_bytes() == b"uploaded by the API"
        (mounted / "letters").mkdir()
        (mounted / "letters" / "ünïcode & co.txt").write_text("first")
        (mounted / "letters" / "large").write_bytes(LARGE)
        (mounted / "letters" / "gone.txt").write_text("gone")
        (mounted / "letters" / "gone.txt").unlink()
        (mounted / "letters" / "large").rename(mounted / "moved")
        (mounted / "letters" / "ünïcode & co.txt").write_text("overwritten")
        # Each by its name: davfs2 of Debian 12 can't list a folder on Linux 6.18, whatever the server.
        assert (mounted / "moved").stat().st_size == len(LARGE)
        assert not (mounted / "letters" / "gone.txt").exists()

    async def stored() -> bool:
        """Both programs upload in the background."""
        if await dav.person.names("/letters") != ["ünïcode & co.txt"] or "moved" not in await dav.person.names("/"):
            return False
        text = await dav.person.call("GET", "/v1/files/by-path?path=/letters/ünïcode %26 co.txt")
        return await dav.person.content(text["id"]) == b"overwritten"

    async with mount(dav, tmp_path) as mounted:
        await asyncio.to_thread(work, mounted)
        await eventually(stored)
    moved = await dav.person.call("GET", "/v1/files/by-path?path=/moved")
    assert sha256(await dav.person.content(moved["id"])).digest() == sha256(LARGE).digest()

"""WebDAV with the client programs that people have."""

import filecmp
import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from dav_accounts import DavAccount, run_program

pytestmark = pytest.mark.doors
MIB = 1 << 20
SUITES = "basic copymove props locks http"


def fill(folder: Path) -> None:
    """Files of several sizes, with names that need care in URLs and in XML."""
    odd = folder / "ünïcode & <x>"
    for path in (folder / "a/b", odd, folder / "empty"):
        path.mkdir(parents=True)
    for number in range(20):
        (folder / f"a/b/{number}.txt").write_text(f"file {number}\n")
    (odd / "100% #sure?+.txt").write_text("x")
    (folder / "nothing").write_bytes(b"")
    (folder / "one put").write_bytes(os.urandom(3 * MIB))
    (folder / "in parts").write_bytes(os.urandom(70 * MIB))


def same(one: Path, other: Path) -> bool:
    """Whether two folders have the same contents."""
    compared = filecmp.dircmp(one, other, ignore=[])
    if compared.left_only or compared.right_only or compared.funny_files:
        return False
    _, differing, failed = filecmp.cmpfiles(one, other, compared.common_files, shallow=False)
    return not differing and not failed and all(same(one / name, other / name) for name in compared.common_dirs)


@pytest.mark.program("litmus")
async def test_litmus_passes_every_test(dav: DavAccount, tmp_path: Path) -> None:
    """The conformance suite of WebDAV finds nothing to complain about, locks and properties included."""
    status, output = await run_program(
        "litmus", "-k", f"{dav.url}/", dav.person.email, dav.password, cwd=tmp_path, TESTS=SUITES
    )
    assert status == 0, output
    assert output.count(" 0 failed. 100.0%") == len(SUITES.split()), output


@pytest.mark.program("rclone")
async def test_rclone_syncs_both_ways_and_finds_no_difference(dav: DavAccount, tmp_path: Path) -> None:
    """A tree goes there and back unchanged, and deletions follow."""
    source, back = tmp_path / "source", tmp_path / "back"
    fill(source)
    status, password = await run_program("rclone", "obscure", dav.password, cwd=tmp_path)
    assert status == 0
    remote = {
        "RCLONE_CONFIG_DAV_TYPE": "webdav",
        "RCLONE_CONFIG_DAV_URL": dav.url,
        "RCLONE_CONFIG_DAV_VENDOR": "owncloud",
        "RCLONE_CONFIG_DAV_USER": dav.person.email,
        "RCLONE_CONFIG_DAV_PASS": password.strip(),
    }

    async def rclone(*arguments: str) -> str:
        status, output = await run_program("rclone", *arguments, cwd=tmp_path, **remote)
        assert status == 0, output
        return output

    await rclone("sync", "--create-empty-src-dirs", str(source), "dav:tree")
    assert "0 differences found" in await rclone("check", "--download", str(source), "dav:tree")
    await rclone("sync", "--create-empty-src-dirs", "dav:tree", str(back))
    assert same(source, back)
    for path in sorted((source / "a/b").iterdir()):
        path.unlink()
    await rclone("sync", str(source), "dav:tree")
    assert "a/b/0.txt" not in await rclone("lsf", "-R", "dav:tree")
    file = await dav.person.call("GET", "/v1/files/by-path?path=/tree/nothing")
    modified_at = datetime.fromisoformat(file["client_modified_at"]).timestamp()
    assert int(modified_at) == int((source / "nothing").stat().st_mtime)
    assert "Free:" in await rclone("about", "dav:")


@pytest.mark.program("cadaver")
async def test_cadaver_edits_properties_and_locks(dav: DavAccount, tmp_path: Path) -> None:
    """A session of commands: folders, files, moves, properties and locks."""
    host = dav.gateway.removeprefix("http://").partition(":")[0]
    (tmp_path / ".netrc").write_text(f"machine {host} login {dav.person.email} password {dav.password}\n")
    (tmp_path / ".netrc").chmod(0o600)
    (tmp_path / "note.txt").write_text("a note\n")
    commands = """
        mkcol letters
        put note.txt letters/note.txt
        copy letters/note.txt letters/copy.txt
        move letters/copy.txt letters/moved.txt
        lock letters/note.txt
        discover letters/note.txt
        unlock letters/note.txt
        propset letters/note.txt colour green
        propget letters/note.txt colour
        get letters/note.txt back.txt
        delete letters/moved.txt
        ls letters
        quit
    """
    script = "\n".join(line.strip() for line in commands.strip().splitlines()) + "\n"
    status, output = await run_program("cadaver", f"{dav.url}/", cwd=tmp_path, stdin=script)
    assert status == 0, output
    assert "failed" not in output.lower(), output
    assert (tmp_path / "back.txt").read_text() == "a note\n"
    assert "green" in output
    assert await dav.person.names("/letters") == ["note.txt"]


@pytest.mark.program("npm")
async def test_the_npm_package_reads_writes_and_locks(dav: DavAccount, tmp_path: Path) -> None:
    """Each call of its session does what is documented, and the API shows the same afterwards."""
    shutil.copytree(Path(__file__).parent / "npm_webdav", tmp_path, dirs_exist_ok=True)
    node = str(Path(shutil.which("npm") or "").parent)  # not always where a system's programs are
    search = {"PATH": f"{node}:/usr/bin:/bin"}
    status, output = await run_program("npm", "ci", "--ignore-scripts", cwd=tmp_path, **search)
    assert status == 0, output
    login = (dav.url, dav.person.email, dav.password)
    status, output = await run_program("node", "session.mjs", *login, cwd=tmp_path, **search)
    assert status == 0, output
    assert json.loads(output) == ["/letters", "/letters/2026/ünïcode & co.txt", "/moved"]
    moved = await dav.person.call("GET", "/v1/files/by-path?path=/moved")
    assert await dav.person.content(moved["id"]) == b"with the lock"


@pytest.mark.parametrize(
    "client",
    [
        pytest.param("owncloudcmd", marks=pytest.mark.program("owncloudcmd")),
        pytest.param("nextcloudcmd", marks=pytest.mark.program("nextcloudcmd")),
    ],
)
async def test_an_owncloud_client_syncs_both_ways(client: str, dav: DavAccount, tmp_path: Path) -> None:
    """What one folder has, the other gets: new, changed, deep, renamed and deleted files, and a large one."""
    here, there = tmp_path / "here", tmp_path / "there"
    fill(here)
    there.mkdir()
    excluded = tmp_path / "exclude.lst"
    excluded.write_text("*~\n")

    async def sync(folder: Path) -> None:
        login = ("--user", dav.person.email, "--password", dav.password)
        arguments = ("--non-interactive", *login, "--exclude", str(excluded), str(folder), dav.gateway)
        status, output = await run_program(client, *arguments, cwd=tmp_path)
        assert status == 0, output

    await sync(here)
    await sync(there)
    assert contents_of(there).keys() == contents_of(here).keys()
    assert same_files(here, there)
    (there / "a/b/0.txt").write_text("changed deep inside\n")
    (there / "a/b/1.txt").unlink()
    (there / "a/b/2.txt").rename(there / "a/moved.txt")
    await sync(there)
    await sync(here)
    assert (here / "a/b/0.txt").read_text() == "changed deep inside\n"
    assert not (here / "a/b/1.txt").exists()
    assert same_files(here, there)
    file = await dav.person.call("GET", "/v1/files/by-path?path=/a/b/0.txt")
    assert file["version"] == 2


def same_files(one: Path, other: Path) -> bool:
    """Whether two folders have the same files, apart from a client's own."""
    return contents_of(one) == contents_of(other)


def contents_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    own = (".sync_", "._sync_", ".owncloudsync", ".nextcloudsync")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if not path.name.startswith(own)}

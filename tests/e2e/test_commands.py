"""The docstore command as a process, against a whole DocStore."""

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from holding_proxy import holding_proxy
from people import Person, SignUp
from shell import Shell, Start, ended, start_process
from warm_commands import warm_commands

from docstore_client.blocks.chunking import blocks_of
from docstore_platform.testing import eventually

MIB = 1 << 20


@pytest.fixture(scope="module")
async def start() -> AsyncIterator[Start]:
    """Starts each command in a process of its own."""
    if sys.platform != "linux":  # elsewhere, forks of what has imported much are not safe
        yield start_process
        return
    async with warm_commands() as commands:
        yield commands.start


@pytest.fixture
async def shell(ada: Person, tmp_path: Path, start: Start) -> Shell:
    """Ada's machine, logged in."""
    shell = Shell(tmp_path / "home", start)
    await shell.log_in(ada)
    return shell


def write(path: Path, content: bytes | str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def tree(folder: Path) -> dict[str, bytes | None]:
    """What is in a folder: content by path, None for a folder."""
    paths = sorted(folder.rglob("*"))
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in paths}


def names(listed: list[dict[str, Any]]) -> list[str]:
    return [file["name"] for file in listed]


async def test_logging_in_and_out(shell: Shell, ada: Person) -> None:
    """Credentials are for their owner only; after logging out there are none, and commands end with status 3."""
    assert stat.S_IMODE(shell.session.stat().st_mode) == 0o600
    assert (await shell.run("usage", "--json")).json["email"] == ada.email
    await shell.done("logout")
    assert not shell.session.exists()
    out = await shell.run("ls", "--json")
    assert (out.status, out.out) == (3, "")
    assert out.err == "error: not logged in: use `docstore login`, or set DOCSTORE_TOKEN (not_logged_in)\n"
    refused = await shell.run(
        "login", "--server", ada.gateway, "--email", ada.email, "--password-stdin", stdin="wrong\n"
    )
    assert refused.status == 3
    assert "(invalid_credentials)" in refused.err


async def test_a_folder_goes_there_and_comes_back(shell: Shell) -> None:
    """With empty files and folders, and names of all kinds; what is the same is moved no second time."""
    folder = shell.cwd / "papers"
    write(folder / "a.txt", "one")
    write(folder / "deep" / "er" / "b b.bin", os.urandom(70_000))
    write(folder / "empty.txt", "")
    write(folder / "héllo [x] %20 #.txt", "h")
    (folder / "nothing in it").mkdir()
    sent = (await shell.run("put", "papers", "--json")).json
    assert (len(sent["sent"]), sent["unchanged"], sent["failed"]) == (4, [], [])
    assert await shell.done("ls") == "papers/\n"
    assert "owner" in await shell.done("ls", "-l", "/papers/a.txt")
    write(folder / "a.txt", "two")
    assert await shell.done("put", "papers", "/") == "1 sent (3 B), 3 unchanged\n"
    assert (await shell.run("ls", "/papers/a.txt", "--json")).json[0]["version"] == 2
    assert (await shell.done("put", "--force", "papers/a.txt", "/papers")).startswith("1 sent")
    assert await shell.done("get", "/papers", "back") == "4 fetched, 0 unchanged\n"
    assert tree(shell.cwd / "back") == tree(folder)
    assert await shell.done("get", "/papers/.", "back") == "0 fetched, 4 unchanged\n"
    await shell.done("get", "/papers/a.txt", "/papers/empty.txt", "taken/")
    assert tree(shell.cwd / "taken") == {"a.txt": b"two", "empty.txt": b""}


async def test_moving_copying_removing_and_bringing_back(shell: Shell) -> None:
    """As `mv`, `cp` and `rm` do it: into a folder that is there, else under the new name; the trash gives back."""
    write(shell.cwd / "a.txt", "one")
    await shell.done("put", "a.txt", "/docs/")
    await shell.done("mkdir", "/old/er")
    await shell.done("cp", "/docs/a.txt", "/old/er")
    await shell.done("mv", "/docs/a.txt", "/docs/b.txt")
    assert names((await shell.run("mv", "/docs/b.txt", "/old/er", "/new/", "--json")).json) == ["b.txt", "er"]
    assert await shell.done("ls", "/new", "/new/er", "/docs") == "er/\nb.txt\na.txt\n"
    write(shell.cwd / "b.txt", "second")
    await shell.done("put", "b.txt", "/new")
    assert [one["version"] for one in (await shell.run("history", "/new/b.txt", "--json")).json] == [2, 1]
    await shell.done("get", "--version", "1", "/new/b.txt", "first")
    assert (shell.cwd / "first").read_text() == "one"
    assert (await shell.run("restore", "/new/b.txt", "--version", "1", "--json")).json["version"] == 3
    await shell.done("rm", "/new")
    trashed = (await shell.run("trash", "--json")).json
    assert names(trashed) == ["new"]
    assert await shell.done("restore", "/new") == "/new\n"
    assert await shell.done("ls", "/new") == "er/\nb.txt\n"
    await shell.done("rm", "/new/b.txt")
    await shell.done("trash", "--empty")
    assert await shell.done("trash") == ""


async def test_metadata_is_set_shown_and_removed(shell: Shell) -> None:
    """Pairs that are not named stay; nothing is changed by what breaks a rule."""
    write(shell.cwd / "a.txt", "one")
    await shell.done("put", "a.txt", "/docs/")
    assert await shell.done("meta", "/docs/a.txt") == ""
    assert await shell.done("meta", "/docs/a.txt", "title=A = B", "author=Ada") == "author=Ada\ntitle=A = B\n"
    changed = await shell.run("meta", "/docs/a.txt", "author=Bob", "--remove", "title", "--remove", "gone", "--json")
    assert changed.json["metadata"] == {"author": "Bob"}
    refused = await shell.run("meta", "/docs/a.txt", "Author=Eve")
    assert (refused.status, "(invalid_metadata)" in refused.err) == (1, True)
    assert (await shell.run("meta", "/docs/a.txt", "author")).status == 2
    assert await shell.done("meta", "/docs/a.txt") == "author=Bob\n"
    assert await shell.done("meta", "/docs", "status=open") == "status=open\n"
    assert await shell.done("ls", "/docs", "--meta", "author=Bob", "--kind", "file") == "a.txt\n"
    assert await shell.done("ls", "/docs", "--meta", "author=Ada") == ""

    async def found() -> bool:
        by_words = await shell.run("search", "a", "--meta", "author=Bob")
        by_filters = await shell.run("search", "--kind", "folder", "--meta", "status=open", "--created-after", "1h")
        return (by_words.out, by_filters.out) == ("/docs/a.txt\n", "/docs\n")

    await eventually(found)


async def test_all_of_a_folder_goes_to_the_root_and_all_of_the_root_comes_back(shell: Shell, tmp_path: Path) -> None:
    """`put .` and `get /` take what is in them, without a folder around it; an empty folder is no failure."""
    assert (await shell.run("put", ".", "--json")).json == {"sent": [], "unchanged": [], "failed": []}
    write(shell.cwd / "a.txt", "a")
    write(shell.cwd / "b" / "c.txt", "c")
    await shell.done("put", ".")
    assert await shell.done("put", ".", "/") == "0 sent (0 B), 2 unchanged\n"
    await shell.done("get", "/", tmp_path / "all")
    assert tree(tmp_path / "all") == tree(shell.cwd)
    (shell.cwd / "link").symlink_to("a.txt")
    result = await shell.run("put", ".")
    assert (result.status, result.err) == (0, "skipped: link\n")


async def test_sharing_links_and_following(shell: Shell, sign_up: SignUp, tmp_path: Path, start: Start) -> None:
    """What is shared is named by its id on the other's machine, and is read and written there by its role."""
    other = await sign_up("bob")
    await other.verify_email()
    friend = Shell(tmp_path / "friend", start)
    await friend.log_in(other)
    write(shell.cwd / "team" / "plan.txt", "plan")
    await shell.done("put", "team")

    async def share_is_active() -> bool:
        share = (await shell.run("share", "/team", other.email, "--role", "editor", "--json")).json
        return bool(share["state"] == "active")

    await eventually(share_is_active)
    assert other.email in await shell.done("shared", "/team")
    (received,) = (await friend.run("shared", "--json")).json
    place = f"id:{received['id']}"
    assert await friend.done("ls", place) == "plan.txt\n"
    await friend.done("get", f"{place}/plan.txt")
    write(friend.cwd / "plan.txt", "better plan")
    await friend.done("put", "plan.txt", f"{place}/sub/")
    assert await friend.done("put", "plan.txt", f"{place}/sub/") == "0 sent (0 B), 1 unchanged\n"
    assert await shell.done("ls", "/team/sub") == "plan.txt\n"
    await shell.done("unshare", "/team", other.email)
    assert (await friend.run("ls", place)).status == 4

    assert "://" in await shell.done("link", "/team", "--max-downloads", "3", "--expires", "7d")
    assert len((await shell.run("links", "/team", "--json")).json) == 1
    await shell.done("unlink", "/team")
    assert await shell.done("links", "/team") == ""
    await shell.done("follow", "/team", "--channel", "in_app")
    assert [one["channel"] for one in (await shell.run("follow", "--json")).json] == ["in_app"]
    await shell.done("unfollow", "/team")
    assert (await shell.run("follow", "--json")).json == []


async def test_an_uploaded_file_is_found_by_search(shell: Shell) -> None:
    """By its name, once the index has consumed the event."""
    write(shell.cwd / "cormorant report.txt")
    await shell.done("put", "cormorant report.txt")

    async def found() -> bool:
        return await shell.done("search", "cormorant") == "/cormorant report.txt\n"

    await eventually(found)
    assert (await shell.run("search", "--json", "cormorant")).json["total"] == 1
    refused = await shell.run("search", "--content", "cormorant")
    assert (refused.status, "(premium_required)" in refused.err) == (1, True)


async def test_changes_are_shown_as_they_happen(shell: Shell, ada: Person) -> None:
    """One JSON document a line, also of what happens while the command waits; only of the folder asked for."""
    await ada.call("POST", "/v1/folders", {"path": "/seen"})
    watching = await shell.start("watch", "/seen", "--from-start", "--json")
    assert watching.stdout is not None
    first = json.loads(await watching.stdout.readline())
    assert (first["type"], first["file"]["path"]) == ("created", "/seen")
    await ada.call("POST", "/v1/folders", {"path": "/unseen"})
    await ada.call("POST", "/v1/folders", {"path": "/seen/more"})
    second = json.loads(await asyncio.wait_for(watching.stdout.readline(), 30))
    assert second["file"]["path"] == "/seen/more"
    watching.send_signal(signal.SIGINT)
    assert await watching.wait() in (0, 130)


async def test_each_kind_of_failure_has_its_status(shell: Shell) -> None:
    """One line on stderr with the code, nothing on stdout; of several the first decides, and the others are done."""
    write(shell.cwd / "a.txt")
    write(shell.cwd / "large.bin", b"\0" * (9 * MIB))
    await shell.done("put", "a.txt", "/taken.txt")
    await shell.done("put", "a.txt", "/a.txt")
    for status, code, *arguments in (
        (4, "not_found", "ls", "/nothing"),
        (4, "local_file", "put", "nothing.txt"),
        (1, "name_taken", "cp", "/a.txt", "/taken.txt"),
        (2, "usage", "mv", "/a.txt", "/taken.txt", "/nowhere"),
    ):
        ended_ = await shell.run(*arguments)
        assert (ended_.status, ended_.err.count("\n")) == (status, 1), ended_
        assert ended_.err.endswith(f"({code})\n")
    assert (await shell.run("ls", "--wrong")).status == 2
    some = await shell.run("rm", "/nothing", "/taken.txt")
    assert (some.status, await shell.done("ls")) == (4, "a.txt\n")
    address = json.loads(shell.session.read_text())
    shell.session.write_text(json.dumps({**address, "gateway": "http://127.0.0.1:1"}))
    nobody = await shell.run("ls")
    assert nobody.status == 6
    assert nobody.err.endswith("(unreachable)\n")


async def test_failures_of_commands_have_their_status(shell: Shell, small_limits: None) -> None:
    """Status 5 for what is over the quota; what fits is sent all the same, and nothing stays reserved."""
    write(shell.cwd / "a.txt")
    write(shell.cwd / "large.bin", b"\0" * (9 * MIB))
    full = await shell.run("put", "large.bin", "a.txt", "--json")
    assert full.status == 5
    assert full.err.endswith("(over_quota)\n")
    answer = json.loads(full.out)
    assert (names(answer["sent"]), answer["failed"][0]["code"]) == (["a.txt"], "over_quota")


async def test_an_upload_that_was_killed_goes_on(
    grace: Person, tmp_path: Path, start: Start, small_limits: None
) -> None:
    """kill -9 after one of many blocks: the next command sends the others, and the file is whole."""
    shell = Shell(tmp_path / "home", start)
    await shell.log_in(grace)
    content = os.urandom(20 * MIB)
    blocks = [block.hash for block in blocks_of(write(shell.cwd / "large.bin", content))]
    async with holding_proxy(lambda proxy: proxy.puts >= 1) as first, holding_proxy(is_open=False) as second:
        again = await shell.through(second.url).start("put", "large.bin")
        killed = await shell.through(first.url).start("put", "large.bin")
        await asyncio.wait_for(first.held.wait(), 60)

        async def one_block_is_there() -> bool:
            missing = await grace.call("POST", "/v1/blocks/missing", {"hashes": blocks})
            return len(missing["missing"]) == len(blocks) - 1

        await eventually(one_block_is_there)
        killed.kill()
        await killed.wait()
        second.open.set()
        result = await ended(again)
        assert (result.status, result.out) == (0, "1 sent (20.0 MB), 0 unchanged\n"), result
        assert second.puts == len(blocks) - 1
    await shell.done("get", "/large.bin", "back.bin")
    assert (shell.cwd / "back.bin").read_bytes() == content


async def test_a_download_that_was_killed_goes_on(
    grace: Person, tmp_path: Path, start: Start, small_limits: None
) -> None:
    """kill -9 in the middle: nothing half-written takes the file's place, and the next command fetches the rest."""
    shell = Shell(tmp_path / "home", start)
    await shell.log_in(grace)
    content = os.urandom(24 * MIB)
    write(shell.cwd / "large.bin", content)
    await shell.done("put", "large.bin")
    (shell.cwd / "large.bin").unlink()
    async with holding_proxy(lambda proxy: proxy.fetched >= 20 * MIB) as first, holding_proxy() as second:
        killed = await shell.through(first.url).start("get", "/large.bin")
        await asyncio.wait_for(first.held.wait(), 60)
        killed.kill()
        await killed.wait()
        assert [path.suffix for path in shell.cwd.iterdir()] == [".part"]
        await shell.through(second.url).done("get", "/large.bin")
        assert 0 < second.fetched < len(content)
    assert tree(shell.cwd) == {"large.bin": content}


async def test_processes_that_renew_at_once_use_the_token_once(shell: Shell, ada: Person) -> None:
    """Five commands find the access token expired at the same moment: all succeed, and the session lives on."""
    saved = json.loads(shell.session.read_text())
    shell.session.write_text(json.dumps({**saved, "access_token": "expired"}))
    results = await asyncio.gather(*(shell.run("usage", "--json") for _ in range(5)))
    assert [result.json["email"] for result in results] == [ada.email] * 5
    renewed = json.loads(shell.session.read_text())
    assert renewed["refresh_token"] != saved["refresh_token"]
    assert stat.S_IMODE(shell.session.stat().st_mode) == 0o600
    shell.session.write_text(json.dumps({**renewed, "access_token": "expired"}))
    assert (await shell.run("usage")).status == 0

"""A whole stack, as another machine sees it: a network namespace with a cable to this one. Needs root."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import lan_visitor
import pytest
from memory_folders import memory_folder

from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import Stack, start_stack
from docstore_standalone.state import read_state

pytestmark = pytest.mark.lan

NAME = f"dsl{os.getpid() % 100_000}"
OURS, THEIRS = "10.213.17.1", "10.213.17.2"
TOOLS = Path(os.environ.get("DOCSTORE_TOOLS", ""))


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


@pytest.fixture(scope="module")
def other_network() -> Iterator[str]:
    """Name of a namespace that reaches this machine at OURS, and nothing else."""
    if os.geteuid() != 0:
        pytest.fail("another network namespace needs root: run `sudo make lan-test`")
    _run("ip", "netns", "add", NAME)
    try:
        _run("ip", "link", "add", f"{NAME}a", "type", "veth", "peer", "name", f"{NAME}b", "netns", NAME)
        _run("ip", "addr", "add", f"{OURS}/30", "dev", f"{NAME}a")
        _run("ip", "link", "set", f"{NAME}a", "up")
        _run("ip", "-n", NAME, "addr", "add", f"{THEIRS}/30", "dev", f"{NAME}b")
        _run("ip", "-n", NAME, "link", "set", f"{NAME}b", "up")
        yield NAME
    finally:
        _run("ip", "netns", "del", NAME)


@pytest.fixture(scope="module")
async def stack(other_network: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    with memory_folder(tmp_path_factory.mktemp("reached")) as folder:
        settings = StandaloneSettings(data=folder, tools=TOOLS, lan=True, lan_host=OURS)
        async with await start_stack(settings) as running:
            yield running


@pytest.fixture(scope="module")
async def seen(stack: Stack, other_network: str) -> dict[str, Any]:
    """What a visitor saw who trusts the root of the authority."""
    state = read_state(stack.servers.folder)
    root = stack.servers.folder / "lan" / "root.crt"
    process = await asyncio.create_subprocess_exec(
        *("ip", "netns", "exec", other_network, sys.executable, lan_visitor.__file__),
        *(state.addresses["public"], str(root), json.dumps(state.ports)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    visited: dict[str, Any] = json.loads(output)
    return visited


async def test_page_api_and_contents_are_reachable(seen: dict[str, Any], stack: Stack) -> None:
    """An upload and a download go over TLS, to the host that the visitor used."""
    contents = read_state(stack.servers.folder).addresses["public-contents"]
    assert (seen["page"], seen["put"], seen["same"]) == (200, 200, True)
    assert seen["store"] == contents
    assert f"connect-src 'self' {contents};" in seen["policy"]


async def test_nothing_else_is_reachable(seen: dict[str, Any]) -> None:
    """Neither the database, nor the broker, nor any part of the object store, nor a service."""
    assert seen["open"] == ["lan-contents", "lan-http", "lan-page"]


async def test_cookies_are_secure(seen: dict[str, Any]) -> None:
    """Browsers send them by https alone. Other servers of this host are not forced to https."""
    assert seen["cookies"]
    assert all("; Secure" in cookie for cookie in seen["cookies"])
    assert seen["strict_transport"] is None

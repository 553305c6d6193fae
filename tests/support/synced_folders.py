"""Helpers for synced folders, and the `docstore sync` command as a process."""

import asyncio
import ctypes
import json
import os
import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder by path, with the bytes of files; incomplete downloads are skipped."""
    found: dict[str, bytes | None] = {}
    for parent, folders, files in os.walk(folder):
        # Never entered: a client at work removes it at any moment.
        folders[:] = [name for name in folders if name != ".docstore-parts"]
        found |= {os.path.relpath(Path(parent, name), folder): None for name in folders}
        found |= {os.path.relpath(Path(parent, name), folder): Path(parent, name).read_bytes() for name in files}
    return dict(sorted(found.items()))


def write(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


@dataclass
class Command:
    """`docstore` with its own home, as on one device."""

    home: Path
    before: Callable[[], None] | None = None
    """Called in the process before the command begins."""
    environment: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable

    async def start(self, *arguments: str, password: str = "") -> asyncio.subprocess.Process:
        self.home.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "HOME": str(self.home), "XDG_STATE_HOME": str(self.home / "state")}
        environment |= self.environment
        process = await asyncio.create_subprocess_exec(
            *(self.python, "-m", "docstore_cli", *arguments),
            env=environment,
            preexec_fn=self.before,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin
        process.stdin.write(f"{password}\n".encode())
        process.stdin.close()
        return process

    async def run(self, *arguments: str, password: str = "") -> str:
        """Output of the command; AssertionError if it failed."""
        process = await self.start(*arguments, password=password)
        out, wrong = await process.communicate()
        assert process.returncode == 0, (out.decode(), wrong.decode())
        return out.decode()

    async def log_in(self, server: str, email: str, password: str) -> None:
        await self.run("login", "--server", server, "--email", email, "--password-stdin", password=password)

    async def sync(self, folder: Path) -> Any:
        """Output of one successful sync."""
        return json.loads(await self.run("sync", str(folder), "--once", "--json"))

    async def try_sync(self, folder: Path) -> Any:
        """Output of one sync that may fail in part."""
        process = await self.start("sync", str(folder), "--once", "--json")
        out, wrong = await process.communicate()
        assert process.returncode == 1, (out.decode(), wrong.decode())
        return json.loads(out)


def obey_modes() -> None:
    """Make root obey the modes of files and folders."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)  # refused to others, who obey them anyway


def write_no_more_than(size: int) -> Callable[[], None]:
    """Simulate a full disk: writing beyond this file size fails."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit

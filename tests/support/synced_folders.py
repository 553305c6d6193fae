"""Folders that are synced, and the command that does it."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder by path, with the bytes of files; what a download has begun is left out."""
    found = [path for path in sorted(folder.rglob("*")) if ".docstore-parts" not in path.parts]
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in found}


def write(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


@dataclass
class Command:
    """`docstore` with a home of its own, as one device has it."""

    home: Path

    async def start(self, *arguments: str, password: str = "") -> asyncio.subprocess.Process:
        self.home.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "HOME": str(self.home), "XDG_STATE_HOME": str(self.home / "state")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "docstore_cli", *arguments),
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin
        process.stdin.write(f"{password}\n".encode())
        process.stdin.close()
        return process

    async def run(self, *arguments: str, password: str = "") -> str:
        """What it said; AssertionError if it failed."""
        process = await self.start(*arguments, password=password)
        out, wrong = await process.communicate()
        assert process.returncode == 0, (out.decode(), wrong.decode())
        return out.decode()

    async def log_in(self, server: str, email: str, password: str) -> None:
        await self.run("login", "--server", server, "--email", email, "--password-stdin", password=password)

    async def sync(self, folder: Path) -> Any:
        """Once; what it answers."""
        return json.loads(await self.run("sync", str(folder), "--once", "--json"))

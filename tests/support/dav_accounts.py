"""WebDAV as client programs use it: an account with an app password, and programs run to their end."""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from people import Person
from yarl import URL

PROGRAM_SECONDS = 300.0


@dataclass
class DavAccount:
    """An account, and an app password for WebDAV."""

    person: Person
    gateway: str
    password: str
    session: aiohttp.ClientSession
    mount: str = "/dav"

    @property
    def url(self) -> str:
        return self.gateway + self.mount

    @property
    def authorization(self) -> str:
        return "Basic " + b64encode(f"{self.person.email}:{self.password}".encode()).decode()

    async def request(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of a request below the WebDAV address. `_` in names of headers stands for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("authorization", self.authorization)
        async with self.session.request(
            method, URL(self.url + path, encoded=True), data=body, headers=sent, allow_redirects=False
        ) as response:
            return response.status, response.headers, await response.read()

    async def new_password(self, *scopes: str) -> str:
        """A further app password."""
        answer = await self.person.call("POST", "/v1/me/tokens", {"name": "another", "scopes": list(scopes)})
        return str(answer["token"])


async def run_program(*arguments: str, cwd: Path, stdin: str = "", **environment: str) -> tuple[int, str]:
    """Run a program to its end; its status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *arguments,
        cwd=cwd,
        env={
            "PATH": "/usr/bin:/bin:/usr/local/bin:/usr/sbin:/sbin",
            "HOME": str(cwd),
            "LANG": "C.UTF-8",
            **environment,
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PROGRAM_SECONDS):
        output, _ = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return process.returncode, output.decode(errors="replace")

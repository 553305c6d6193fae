"""A running TLS proxy before servers that only respond with what they were asked."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

from docstore_standalone.asgi_server import serving
from docstore_standalone.embedded.binaries import find_caddy
from docstore_standalone.lan.certificates import chosen_certificates
from docstore_standalone.lan.machine import Machine
from docstore_standalone.lan.proxy import TlsProxy
from docstore_standalone.lan.proxy_config import ProxyPorts, Upstreams
from docstore_standalone.ports import LOOPBACK, PortBook
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.supervision.supervisor import Component, Supervisor

HOME = Machine(("box.local",), (ip_address("192.168.1.5"),), ip_address("192.168.1.5"))
BUCKETS = ("content", "processed")


@dataclass
class Reached:
    """A running proxy, and requests to it."""

    proxy: TlsProxy
    supervisor: Supervisor
    moves: list[str] = field(default_factory=list)

    def trusting(self, root: Path | None = None) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=root or self.proxy.folder / "root.crt")

    async def ask(
        self, name: str, port: int, target: str = "/", *, host: str = "", root: Path | None = None
    ) -> tuple[int, str]:
        """Send one request under a name; return the status, and head and body."""
        context = self.trusting(root)
        reader, writer = await asyncio.open_connection(LOOPBACK, port, ssl=context, server_hostname=name)
        host = host or f"{name}:{port}"
        writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        text = (await reader.read()).decode()
        writer.close()
        return int(text[9:12] or 0), text

    async def ask_plainly(self, port: int, target: str, languages: str = "") -> str:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        host = f"box.local:{port}\r\nAccept-Language: {languages}"
        writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        text = (await reader.read()).decode()
        writer.close()
        return text


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with what was asked."""
    if scope["type"] != "http":
        return
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    target = (scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")).decode()
    body = json.dumps({"target": target, "port": scope["server"][1], **headers}).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]}
    )
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def reached(
    folder: Path, machine: Machine = HOME, *, http_port: int | None = None, **settings: Any
) -> AsyncIterator[Reached]:
    book = PortBook()
    book.secure(["page", "contents", "http", "gateway", "s3"])
    ports = ProxyPorts(book["page"], book["contents"], http_port or book["http"])
    given = StandaloneSettings(data=folder, lan=True, **settings)
    proxy = TlsProxy(
        find_caddy(None),
        folder / "lan",
        folder / "proxy.log",
        ports,
        Upstreams(book["gateway"], book["s3"], BUCKETS),
        chosen_certificates(given, folder / "lan"),
        machine,
    )
    supervisor = Supervisor(book)
    async with serving(echo, LOOPBACK, book["gateway"]), serving(echo, LOOPBACK, book["s3"]):
        await supervisor.start([Component(proxy)])
        try:
            yield Reached(proxy, supervisor)
        finally:
            await supervisor.stop()

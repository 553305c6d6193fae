"""A certificate from an ACME server: Pebble, which asks this machine as a public one does. PEBBLE names its program."""

import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import trustme
from reached_proxy import reached

from docstore_platform.testing import eventually
from docstore_standalone.ports import LOOPBACK, PortBook

pytestmark = pytest.mark.lan

HOST = "files.example.test"
PEBBLE = Path(os.environ.get("PEBBLE", "pebble"))


@dataclass
class AcmeServer:
    directory: str
    management: str
    root: Path
    """Of its own certificate."""

    async def issuing_root(self) -> str:
        """Return the root of the certificates that it issues; empty until it has started."""
        trusting = ssl.create_default_context(cafile=self.root)
        try:
            async with aiohttp.ClientSession() as session:
                return await (await session.get(f"{self.management}/roots/0", ssl=trusting)).text()
        except aiohttp.ClientError:
            return ""


@contextmanager
def pebble(folder: Path, http_port: int) -> Iterator[AcmeServer]:
    """Run it, and a DNS server by which every name is this machine. It checks names at `http_port`."""
    if shutil.which(PEBBLE) is None:
        pytest.fail("no pebble: run `make lan-test`")
    book = PortBook()
    book.secure(["acme", "management", "dns", "dns-management"])
    authority = trustme.CA()
    own = authority.issue_cert(LOOPBACK)
    authority.cert_pem.write_to_path(folder / "acme-root.crt")
    own.cert_chain_pems[0].write_to_path(folder / "acme.crt")
    own.private_key_pem.write_to_path(folder / "acme.key")
    listens = {"listenAddress": book["acme"], "managementListenAddress": book["management"]}
    config = {
        "pebble": {
            **{name: f"{LOOPBACK}:{port}" for name, port in listens.items()},
            "certificate": str(folder / "acme.crt"),
            "privateKey": str(folder / "acme.key"),
            "httpPort": http_port,
            "tlsPort": 1,
        }
    }
    (folder / "pebble.json").write_text(json.dumps(config))
    dns = f"{LOOPBACK}:{book['dns']}"
    nothing = ("-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv6", "")
    names = [
        PEBBLE.with_name("pebble-challtestsrv"),
        "-dnsserver",
        dns,
        "-management",
        f":{book['dns-management']}",
        *nothing,
    ]
    server = [PEBBLE, "-config", folder / "pebble.json", "-dnsserver", dns]
    quick = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    processes = []
    with (folder / "pebble.log").open("wb") as log:
        try:
            for command in (names, server):
                processes.append(subprocess.Popen(command, stdout=log, stderr=log, env=quick))
            address = f"https://{LOOPBACK}"
            yield AcmeServer(
                f"{address}:{book['acme']}/dir", f"{address}:{book['management']}", folder / "acme-root.crt"
            )
        finally:
            for process in processes:
                process.terminate()
                process.wait()


async def test_a_certificate_by_acme(tmp_path: Path) -> None:
    """The server checks the name over http at the proxy, issues the certificate, and the page is served with it."""
    book = PortBook()
    book.secure(["http"])
    root = tmp_path / "issuing.crt"
    with pebble(tmp_path, book["http"]) as acme:
        root.write_text(await eventually(acme.issuing_root))
        settings = {"lan_acme": acme.directory, "lan_acme_ca_file": acme.root, "lan_host": HOST}
        async with reached(tmp_path, http_port=book["http"], **settings) as running:

            async def is_served() -> bool:
                try:
                    return (await running.ask(HOST, running.proxy.ports.page, root=root))[0] == 200
                except ssl.SSLError:
                    return False

            await eventually(is_served)
            other = await running.ask_plainly(running.proxy.ports.http, "/a")
            assert other.split(" ", 2)[1] == "421"  # for another name than its own
    assert HOST in (tmp_path / "pebble.log").read_text()

"""The TLS proxy itself, before servers that only respond with what they were asked."""

import json
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest
import trustme
from reached_proxy import HOME, Reached, reached

from docstore_platform.testing import eventually
from docstore_standalone.lan import following
from docstore_standalone.lan.following import Follower
from docstore_standalone.lan.machine import Machine
from docstore_standalone.ports import LOOPBACK

MOVED = Machine(("moved.local",), (ip_address("192.168.7.9"),), ip_address("192.168.7.9"))


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Reached]:
    async with reached(tmp_path_factory.mktemp("lan")) as running:
        yield running


@pytest.mark.parametrize("name", ["127.0.0.1", "box.local", "localhost"])
async def test_every_name_has_a_certificate(served: Reached, name: str) -> None:
    """Whoever trusts the root connects by any of them, and the gateway gets the host that was used."""
    status, text = await served.ask(name, served.proxy.ports.page, "/v1/me?x=%2F")
    asked = json.loads(text.partition("\r\n\r\n")[2])
    assert (status, asked["target"]) == (200, "/v1/me?x=%2F")
    assert asked["x-forwarded-host"] == f"{name}:{served.proxy.ports.page}"
    assert (asked["x-forwarded-proto"], asked["x-forwarded-for"]) == ("https", LOOPBACK)


async def test_a_client_cannot_forge_the_proxys_headers(served: Reached) -> None:
    """Its own forwarding headers are replaced."""
    forged = "localhost\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-For: 8.8.8.8"
    _, text = await served.ask("localhost", served.proxy.ports.page, host=forged)
    asked = json.loads(text.partition("\r\n\r\n")[2])
    assert (asked["x-forwarded-host"], asked["x-forwarded-for"]) == ("localhost", LOOPBACK)


async def test_other_names_are_not_served(served: Reached) -> None:
    """A site of someone else that leads here, for instance by DNS rebinding, reaches nothing."""
    status, text = await served.ask("localhost", served.proxy.ports.page, host="evil.example")
    assert status == 421
    assert "https://192.168.1.5" in text


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/content/a%2Fb//c?X-Amz-Signature=1", 200),
        ("/content?list-type=2", 200),
        ("/processed/p", 200),
        ("/", 404),
        ("/?Action=AssumeRole", 404),
        ("/broker/log", 404),
        ("/contents/x", 404),
        ("/broker/../content/x", 404),
        ("//content/x", 404),
        ("/Content/x", 404),
    ],
)
async def test_only_contents_are_reachable(served: Reached, target: str, status: int) -> None:
    """Of the object store: two buckets, with path and host as they were signed."""
    answered, text = await served.ask("box.local", served.proxy.ports.contents, target)
    assert answered == status
    if status == 200:
        asked = json.loads(text.partition("\r\n\r\n")[2])
        assert (asked["target"], asked["host"]) == (target, f"box.local:{served.proxy.ports.contents}")
        assert not any(name.startswith("x-forwarded-host") for name in asked)


async def test_plain_http_leads_to_https(served: Reached) -> None:
    """At the port for it, and at the https ports."""
    ports = served.proxy.ports
    for port in (ports.http, ports.page):
        text = await served.ask_plainly(port, "/a?b=c")
        assert text.split(" ", 2)[1] == "308"
        assert f"https://box.local:{ports.page}/a?b=c" in text


async def test_the_root_is_offered(served: Reached) -> None:
    """By http, since devices can't check https before; with its fingerprint and steps for each system."""
    page = await served.ask_plainly(served.proxy.ports.http, "/trust/")
    root = await served.ask_plainly(served.proxy.ports.http, "/trust/root.crt")
    assert served.proxy.authority is not None
    assert served.proxy.authority.fingerprint in page
    assert "Android" in page
    assert (served.proxy.folder / "root.crt").read_text() in root
    assert "application/x-x509-ca-cert" in root


@pytest.mark.parametrize(
    ("languages", "tag", "shown"),
    [
        ("de-CH,en;q=0.5", "de", "Zertifikat herunterladen"),
        ("fr-FR, es;q=0.8, en;q=0.5", "es", "Descargar el certificado"),
        ("zh-TW", "zh-Hans", "下载证书"),
        ("en-GB,de;q=0.5", "en", "Download the certificate"),
        ("fr", "en", "Download the certificate"),
        ("", "en", "Download the certificate"),
    ],
)
async def test_the_page_of_the_root_is_in_the_language_of_the_browser(
    served: Reached, languages: str, tag: str, shown: str
) -> None:
    """The first of the languages that there are; English for others."""
    page = await served.ask_plainly(served.proxy.ports.http, "/trust/", languages)
    assert f'<html lang="{tag}">' in page
    assert shown in page
    assert "Vary: Accept-Language" in page


async def test_a_new_address_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate has it, the process goes on, the services are reloaded once; being offline changes nothing."""
    async with reached(tmp_path) as running:
        process = running.supervisor.process_id("tls-proxy")

        async def move() -> None:
            running.moves.append(running.proxy.url)

        follower = Follower(running.proxy, running.supervisor, move)
        for machine in (HOME, Machine((), (), None), MOVED, MOVED):
            monkeypatch.setattr(following, "this_machine", lambda machine=machine: machine)
            await follower.look()

        async def is_served() -> bool:
            try:
                return (await running.ask("moved.local", running.proxy.ports.page))[0] == 200
            except OSError:  # the first certificate, or a connection that the proxy had not accepted when it reloaded
                return False

        await eventually(is_served)
        assert running.moves == [f"https://192.168.7.9:{running.proxy.ports.page}"]
        assert running.supervisor.process_id("tls-proxy") == process


async def test_renewed_files_are_served(tmp_path: Path) -> None:
    """Whoever renews a certificate only writes its files."""
    first, second = trustme.CA(), trustme.CA()
    certificate, key, root = tmp_path / "tls.crt", tmp_path / "tls.key", tmp_path / "second.crt"
    second.cert_pem.write_to_path(root)

    def write(authority: trustme.CA) -> None:
        made = authority.issue_cert("files.example.org")
        made.private_key_pem.write_to_path(key)
        made.cert_chain_pems[0].write_to_path(certificate)

    write(first)
    async with reached(tmp_path, lan_tls=f"{certificate},{key}") as running:

        async def nothing() -> None:
            raise AssertionError("the address is the same")

        follower = Follower(running.proxy, running.supervisor, nothing)
        write(second)
        await follower.look()

        async def is_served() -> bool:
            try:
                return (await running.ask("files.example.org", running.proxy.ports.page, root=root))[0] == 200
            except OSError:  # the first certificate, or the proxy is just starting again
                return False

        await eventually(is_served)
        assert (await running.ask_plainly(running.proxy.ports.http, "/trust/")).split(" ", 2)[1] == "421"


async def test_nothing_is_stored_for_others(served: Reached) -> None:
    """Keys and configuration are readable by their owner alone, and there is no interface for administration."""
    private = [path for path in served.proxy.folder.rglob("*") if path.is_file()]
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)
    with socket.socket() as probe:
        assert probe.connect_ex((LOOPBACK, 2019)) != 0

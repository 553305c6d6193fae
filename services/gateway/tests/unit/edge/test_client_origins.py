"""The addresses that a client uses, by where its request comes from."""

from ipaddress import ip_network

import pytest

from docstore_gateway.edge.client_origins import OriginsOfClients
from docstore_gateway.settings import GatewaySettings
from docstore_platform.http.client_origins import ClientOrigins
from docstore_platform.settings import InfraSettings

INFRA = InfraSettings(public_url="https://files.example.org:8443", s3_endpoint="http://127.0.0.1:8333")
DIRECT = ClientOrigins("http://127.0.0.1:8080", "http://127.0.0.1:8333")
SETTINGS = GatewaySettings(
    infra=INFRA,
    trusted_proxies=(ip_network("127.0.0.1"),),
    proxied_store_port=8444,
    direct_url=DIRECT.gateway,
    direct_store_url=DIRECT.store,
)


def origins(host: bytes | None, peer: str = "127.0.0.1", settings: GatewaySettings = SETTINGS) -> ClientOrigins | None:
    headers = {} if host is None else {b"x-forwarded-host": host}
    return OriginsOfClients(settings).of({"client": (peer, 5000)}, headers)


@pytest.mark.parametrize(
    ("host", "store"),
    [
        ("192.168.1.5:8443", "https://192.168.1.5:8444"),
        ("files.example.org", "https://files.example.org:8444"),
        ("[fd00::2]:8443", "https://[fd00::2]:8444"),
    ],
)
def test_urls_name_the_host_that_the_client_used(host: str, store: str) -> None:
    """A trusted proxy names it; the store is at the same host with its own port."""
    assert origins(host.encode()) == ClientOrigins(f"https://{host}", store)


@pytest.mark.parametrize("host", [None, b"a b", b"host/path", b'h";x', b"x" * 300])
def test_a_client_without_a_proxy_uses_the_direct_addresses(host: bytes | None) -> None:
    """So does one whose host is none."""
    assert origins(host) == DIRECT


def test_an_untrusted_peer_cannot_set_the_host() -> None:
    """X-Forwarded-Host of anyone but a trusted proxy is ignored."""
    assert origins(b"evil.example", peer="192.168.1.9") == DIRECT


def test_without_the_setting_all_use_the_public_addresses() -> None:
    """A deployment behind any other proxy is as before."""
    assert origins(b"files.example.org", settings=GatewaySettings(infra=INFRA)) is None

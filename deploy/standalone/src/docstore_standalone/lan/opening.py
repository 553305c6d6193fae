"""Prepares what `docstore up --lan` needs, and the services' settings for it."""

import os
from collections.abc import Mapping
from pathlib import Path

from docstore_standalone.credentials import load_credentials
from docstore_standalone.embedded.binaries import find_caddy
from docstore_standalone.lan.certificates import chosen_certificates
from docstore_standalone.lan.exposure import check_secrets
from docstore_standalone.lan.machine import this_machine
from docstore_standalone.lan.proxy import PROXY_FOLDER, TlsProxy
from docstore_standalone.lan.proxy_config import HTTPS_PORT, ProxyPorts, Upstreams
from docstore_standalone.ports import LOOPBACK, PortBook
from docstore_standalone.settings import StandaloneSettings

FIRST = ProxyPorts(8443, 8444, 8445)
"""Or the next free ones."""
ACME = ProxyPorts(HTTPS_PORT, 8443, 80)
"""ACME servers check names at port 80."""


def check_reachable(settings: StandaloneSettings) -> None:
    """ValueError if other machines must not, or can't, reach this stack; ProgramMissing.

    Creates secrets and the local authority of a new data folder: its lock must be held.
    """
    if settings.s3_endpoint:
        raise ValueError(
            "--lan serves the embedded object store: with DOCSTORE_S3_ENDPOINT, use a TLS proxy of your own"
        )
    check_secrets(settings.data, load_credentials(settings.data), os.environ)
    find_caddy(settings.caddy)
    chosen_certificates(settings, settings.data / PROXY_FOLDER).names(this_machine())


def open_proxy(settings: StandaloneSettings, folder: Path, book: PortBook, upstreams: Upstreams) -> TlsProxy:
    """Choose ports and certificates of the proxy, after `check_reachable`. PortTaken, and ValueError as there."""
    page, contents, http = settings.lan_port, settings.lan_store_port, settings.lan_http_port
    if settings.lan_acme:
        page, contents, http = page or ACME.page, contents or ACME.contents, http or ACME.http
    ports = ProxyPorts(
        book.secure_public("lan-page", page, FIRST.page, "DOCSTORE_LAN_PORT"),
        book.secure_public("lan-contents", contents, FIRST.contents, "DOCSTORE_LAN_STORE_PORT"),
        book.secure_public("lan-http", http, FIRST.http, "DOCSTORE_LAN_HTTP_PORT"),
    )
    place = folder / PROXY_FOLDER
    certificates = chosen_certificates(settings, place)
    log_file = folder / "logs" / "tls-proxy.log"
    return TlsProxy(find_caddy(settings.caddy), place, log_file, ports, upstreams, certificates, machine=this_machine())


def public_variables(proxy: TlsProxy | None, gateway: str, store: str) -> Mapping[str, str]:
    """Settings of the services with the addresses for clients; without a proxy all clients are on this machine."""
    if proxy is None:
        return {"DOCSTORE_PUBLIC_URL": gateway}
    # Browsers would apply it to all ports of the host, and of a host with other servers break those without TLS.
    strict = proxy.certificates.is_public and proxy.ports.page == HTTPS_PORT
    return {
        "DOCSTORE_PUBLIC_URL": proxy.url,
        "DOCSTORE_S3_PUBLIC_ENDPOINT": proxy.store_url,
        "GATEWAY_TRUSTED_PROXIES": f'["{LOOPBACK}/32"]',
        "GATEWAY_PROXIED_STORE_PORT": str(proxy.ports.contents),
        "GATEWAY_DIRECT_URL": gateway,
        "GATEWAY_DIRECT_STORE_URL": store,
        "GATEWAY_STRICT_TRANSPORT": str(strict).lower(),
    }

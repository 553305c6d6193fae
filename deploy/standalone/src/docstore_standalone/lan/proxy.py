"""The TLS proxy: Caddy, a process of its own before the gateway and the object store."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from docstore_standalone.embedded.http_probe import http_status, tls_responds, until
from docstore_standalone.lan.authority import Authority
from docstore_standalone.lan.certificates import Acme, Certificates, LocalCertificates
from docstore_standalone.lan.machine import Machine, in_url
from docstore_standalone.lan.proxy_config import (
    GRACE_SECONDS,
    TRUST_PATH,
    ProxyPorts,
    Upstreams,
    proxy_config,
    public_url,
)
from docstore_standalone.lan.trust_page import write_trust_page
from docstore_standalone.state import write_private
from docstore_standalone.supervision.processes import base_environment

PROXY_FOLDER = "lan"
"""In the data folder."""


@dataclass(slots=True)
class TlsProxy:
    """The server. `machine` is replaced when names or addresses change; then it must `prepare` and reload."""

    program: Path
    folder: Path
    log_file: Path
    ports: ProxyPorts
    upstreams: Upstreams
    certificates: Certificates
    machine: Machine
    name: str = "tls-proxy"
    port_names: Sequence[str] = ()
    stop_seconds: float = field(default=GRACE_SECONDS + 1.0)

    @property
    def names(self) -> tuple[str, ...]:
        """Names and addresses that clients may use; the first is the one for links."""
        return self.certificates.names(self.machine)

    @property
    def url(self) -> str:
        """Address of the page and the API for other machines."""
        return public_url(self.names[0], self.ports.page)

    @property
    def store_url(self) -> str:
        return public_url(self.names[0], self.ports.contents)

    @property
    def authority(self) -> Authority | None:
        return self.certificates.authority if isinstance(self.certificates, LocalCertificates) else None

    @property
    def trust_url(self) -> str:
        """Address of the page that offers the root, by http; empty if all devices trust the certificate."""
        return f"http://{in_url(self.names[0])}:{self.ports.http}{TRUST_PATH}" if self.authority else ""

    def addresses(self) -> dict[str, str]:
        """Addresses to show."""
        shown = {"public": self.url, "public-contents": self.store_url}
        if self.authority:
            shown |= {"trust": self.trust_url, "trust-fingerprint": self.authority.fingerprint}
        return shown

    @property
    def _config_file(self) -> Path:
        return self.folder / "proxy.json"

    def prepare(self) -> None:
        """Write the configuration for the names of now."""
        config = proxy_config(self.folder, self.names, self.certificates, self.ports, self.upstreams)
        if self.authority:
            write_trust_page(self.folder / "trust", self.authority, self.url)
        write_private(self._config_file, json.dumps(config, indent=2))

    def command(self) -> Sequence[str]:
        return (str(self.program), "run", "--config", str(self._config_file))

    def environment(self) -> Mapping[str, str]:
        private = {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        return {**base_environment(), **private}

    async def wait_ready(self) -> None:
        """Wait for the certificate too, except for one of an ACME server, which may take long or be refused."""

        async def is_ready() -> bool:
            return await http_status(self.ports.http, "/") is not None

        async def has_certificate() -> bool:
            return await tls_responds(self.ports.page, self.names[0])

        await until(is_ready)
        if not isinstance(self.certificates, Acme):
            await until(has_certificate)

    def clean_up(self) -> None:
        """Nothing to remove."""

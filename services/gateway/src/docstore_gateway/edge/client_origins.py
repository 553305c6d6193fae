"""Determines the addresses that a client uses, where some come through a TLS proxy and others do not."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.types import Scope

from docstore_gateway.edge.client_ip import is_trusted
from docstore_gateway.settings import GatewaySettings
from docstore_platform.http.client_origins import ClientOrigins

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?")


class OriginsOfClients:
    """Reads X-Forwarded-Host of trusted proxies, if `proxied_store_port` is set; else all use the public addresses."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._store_port = settings.proxied_store_port
        self._trusted = settings.trusted_proxies
        infra = settings.infra
        self._direct = ClientOrigins(
            settings.direct_url or infra.public_url.rstrip("/"), settings.direct_store_url or infra.public_s3
        )

    def of(self, scope: Scope, headers: Mapping[bytes, bytes]) -> ClientOrigins | None:
        """Return the origins for the client of a request; None for the public ones."""
        if self._store_port is None:
            return None
        host = headers.get(b"x-forwarded-host", b"").decode("latin-1")
        peer = scope["client"][0] if scope.get("client") else None
        if not _HOST.fullmatch(host) or not is_trusted(peer, self._trusted):
            return self._direct
        name = urlsplit(f"//{host}").hostname or ""
        name = f"[{name}]" if ":" in name else name
        return ClientOrigins(f"https://{host}", f"https://{name}:{self._store_port}")

"""Configuration of the TLS proxy, Caddy, as its JSON: what other machines can reach, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from docstore_platform.languages import LANGUAGES, SOURCE
from docstore_standalone.lan.certificates import Certificates, Json
from docstore_standalone.lan.machine import in_url
from docstore_standalone.ports import LOOPBACK

TRUST_PATH = "/trust/"
ROOT_FILE = "root.crt"
HTTPS_PORT = 443
GRACE_SECONDS = 10
HEAD_SECONDS = 10
IDLE_SECONDS = 75
CONTENT_METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class ProxyPorts:
    """Ports that other machines reach. `http` only redirects, and answers ACME and requests for the root."""

    page: int
    contents: int
    http: int


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Ports on the loopback address, and the buckets of which clients get URLs."""

    gateway: int
    store: int
    buckets: Sequence[str]


def public_url(name: str, port: int) -> str:
    """Return the address of a port of this machine under one of its names."""
    return f"https://{in_url(name)}" + ("" if port == HTTPS_PORT else f":{port}")


def proxy_config(
    folder: Path, names: Sequence[str], certificates: Certificates, ports: ProxyPorts, upstreams: Upstreams
) -> Json:
    """Return the configuration for these names; the first is the one that is shown to others.

    `folder` has the proxy's certificates, the root of the local authority, and the page that offers it.
    """
    pki: Json = {"install_trust": False}
    if not certificates.is_public:
        root = {"certificate": str(folder / "root.crt"), "private_key": str(folder / "root.key"), "format": "pem_file"}
        pki |= {"name": "DocStore", "root": root}
    home = public_url(names[0], ports.page)
    trust = [] if certificates.is_public else _trust_routes(folder)
    servers = {
        "page": _tls_server(ports.page, names, [*trust, {"handle": [_proxy(upstreams.gateway, {})]}], home),
        "contents": _tls_server(ports.contents, names, _content_routes(upstreams), home),
        "http": {**_server(ports.http), "routes": [*trust, *_redirects(names, ports.page, home)]},
    }
    http: Json = {"http_port": ports.http, "https_port": ports.page, "grace_period": f"{GRACE_SECONDS}s"}
    return {
        "admin": {"disabled": True},
        "storage": {"module": "file_system", "root": str(folder / "storage")},
        "logging": {"logs": {"default": {"level": "WARN"}}},
        "apps": {
            "pki": {"certificate_authorities": {"local": pki}},
            "tls": certificates.config(tuple(names)),
            "http": {**http, "servers": servers},
        },
    }


def _server(port: int) -> Json:
    return {
        "listen": [f":{port}"],
        "automatic_https": {"disable": True},
        "protocols": ["h1", "h2"],
        "read_header_timeout": f"{HEAD_SECONDS}s",
        "idle_timeout": f"{IDLE_SECONDS}s",
    }


def _tls_server(port: int, names: Sequence[str], routes: list[Json], home: str) -> Json:
    known = {"match": [{"host": list(names)}], "handle": [{"handler": "subroute", "routes": routes}], "terminal": True}
    return {
        **_server(port),
        # Plain http at this port is redirected to https.
        "listener_wrappers": [{"wrapper": "http_redirect"}, {"wrapper": "tls"}],
        "tls_connection_policies": [{"default_sni": names[0]}],
        "routes": [known, _misdirected(home)],
    }


def _misdirected(home: str) -> Json:
    """A name that is not ours: another site's, or one that this machine no longer has."""
    body = f"This DocStore is at {home}\n"
    return {"handle": [{"handler": "static_response", "status_code": 421, "body": body}]}


def _proxy(port: int, request_headers: Json) -> Json:
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"{LOOPBACK}:{port}"}],
        "transport": {"protocol": "http", "compression": False, "keep_alive": {"idle_timeout": "60s"}},
        "headers": {"request": request_headers},
    }


def _content_routes(upstreams: Upstreams) -> list[Json]:
    """Objects of these buckets alone: neither other buckets nor the store's own interfaces, such as STS.

    The path is compared as it was sent, as the store reads it. The Host is a part of the store's signatures, and it
    would take a forwarded one in its place.
    """
    pattern = f"^/({'|'.join(upstreams.buckets)})(/|\\?|$)"
    forwarded: Json = {"delete": ["X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded", "Via"]}
    match = {"method": list(CONTENT_METHODS), "vars_regexp": {"{http.request.uri}": {"pattern": pattern}}}
    return [
        {"match": [match], "handle": [_proxy(upstreams.store, forwarded)], "terminal": True},
        {"handle": [{"handler": "static_response", "status_code": 404}]},
    ]


def _redirects(names: Sequence[str], port: int, home: str) -> list[Json]:
    suffix = "" if port == HTTPS_PORT else f":{port}"
    location = f"https://{{http.request.host}}{suffix}{{http.request.uri}}"
    redirect = {"handler": "static_response", "status_code": 308, "headers": {"Location": [location]}}
    return [{"match": [{"host": list(names)}], "handle": [redirect], "terminal": True}, _misdirected(home)]


def _trust_routes(folder: Path) -> list[Json]:
    """The root of the local authority and how to trust it, by http too: devices can't check our https before."""
    root = {
        "Content-Type": ["application/x-x509-ca-cert"],
        "Content-Disposition": [f'attachment; filename="docstore-{ROOT_FILE}"'],
        "X-Content-Type-Options": ["nosniff"],
    }
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    page = {
        "Content-Security-Policy": [policy],
        "X-Content-Type-Options": ["nosniff"],
        "Cache-Control": ["no-store"],
        "Vary": ["Accept-Language"],
    }
    serve = {"handler": "file_server", "root": str(folder / "trust")}
    return [
        {
            "match": [{"path": [f"{TRUST_PATH}{ROOT_FILE}"]}],
            "handle": [{"handler": "headers", "response": {"set": root}}, _relative(f"/{ROOT_FILE}"), serve],
            "terminal": True,
        },
        *(
            {
                "match": [{"path": [TRUST_PATH, TRUST_PATH.rstrip("/")], **wanted}],
                "handle": [{"handler": "headers", "response": {"set": page}}, _relative(f"/{file}"), serve],
                "terminal": True,
            }
            for wanted, file in _page_by_language()
        ),
    ]


def page_file(language: str) -> str:
    return f"{language}.html"


def _page_by_language() -> list[tuple[Json, str]]:
    """The first of our languages in Accept-Language, as browsers list them; else English."""
    pattern = rf"(?:^|,)\s*({'|'.join(LANGUAGES)})(?:[-;,\s]|$)"
    preferred = {"header_regexp": {"Accept-Language": {"name": "language", "pattern": pattern}}}
    return [(preferred, page_file("{http.regexp.language.1}")), ({}, page_file(SOURCE))]


def _relative(path: str) -> Json:
    return {"handler": "rewrite", "uri": path}

"""Fakes of the endpoints where AWS issues role credentials: a container's endpoint, and STS."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl

from docstore_platform.clock import rfc3339
from docstore_standalone.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class RoleKeys:
    access_key_id: str
    secret_access_key: str
    session_token: str
    ends_at: datetime


@dataclass(slots=True)
class Endpoint:
    """Answers with `keys`; `asked` is what it was sent, as form fields."""

    keys: RoleKeys
    url: str = ""
    requested: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def container_endpoint(keys: RoleKeys) -> Iterator[Endpoint]:
    """What ECS and EKS Pod Identity have, for AWS_CONTAINER_CREDENTIALS_FULL_URI."""
    with _serving(Endpoint(keys), _as_json) as endpoint:
        yield endpoint


@contextmanager
def web_identity_endpoint(keys: RoleKeys) -> Iterator[Endpoint]:
    """STS as it answers AssumeRoleWithWebIdentity (IRSA), for AWS_ENDPOINT_URL_STS."""
    with _serving(Endpoint(keys), _as_xml) as endpoint:
        yield endpoint


def _as_json(keys: RoleKeys) -> str:
    return json.dumps(
        {
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key,
            "Token": keys.session_token,
            "Expiration": rfc3339(keys.ends_at),
        }
    )


def _as_xml(keys: RoleKeys) -> str:
    return f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>{keys.access_key_id}</AccessKeyId><SecretAccessKey>{keys.secret_access_key}</SecretAccessKey>
<SessionToken>{keys.session_token}</SessionToken><Expiration>{rfc3339(keys.ends_at)}</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""


@contextmanager
def _serving(endpoint: Endpoint, answer: Callable[[RoleKeys], str]) -> Iterator[Endpoint]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            endpoint.requested.append(dict(parse_qsl(body.decode())))
            payload = answer(endpoint.keys).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Log nothing: a test prints only its failures."""

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        endpoint.url = f"http://{LOOPBACK}:{server.server_address[1]}/keys"
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield endpoint
        finally:
            server.shutdown()

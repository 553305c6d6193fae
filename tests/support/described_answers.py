"""Compares every JSON response that a test causes with the OpenAPI document of its API, public or internal.

A field that the document does not have is a difference, though clients must ignore unknown fields: otherwise an
undescribed field would go unnoticed.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from jsonschema_rs import Draft202012Validator, Registry
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docstore_platform.security.service_identity import INTERNAL_PREFIX
from docstore_platform.service.app import OPENAPI_FILE, Telemetry

Json = dict[str, Any]

BASE = "urn:docstore:api"
MEDIA_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"
PROBLEM = f"{BASE}#/components/schemas/Problem"
MAX_DIFFERENCES = 5


class Description:
    """An OpenAPI document, and the differences of a response from it."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._registry = Registry([(BASE, _closed(document))])
        self._validators: dict[str, Draft202012Validator] = {}
        # Templates last: /v1/files/by-path is no file's id.
        paths = sorted(document["paths"], key=lambda path: path.count("{"))
        self._paths = [(re.compile(re.sub(r"\\{.*?\\}", "[^/]+", re.escape(path))), path) for path in paths]

    def has(self, method: str, path: str) -> bool:
        """Whether there is such an operation."""
        return any(
            pattern.fullmatch(path) and method.lower() in self._document["paths"][template]
            for pattern, template in self._paths
        )

    def differences(self, method: str, path: str, status: int, media_type: str, body: bytes) -> Iterator[str]:
        where = self._where(method.lower(), path, status, media_type)
        if where is None:
            yield f"{method} {path} answered {status} {media_type}, which is not described"
            return
        for error in [*self._validator(where).iter_errors(json.loads(body))][:MAX_DIFFERENCES]:
            place = ".".join(map(str, error.instance_path)) or "the whole of it"
            yield f"{method} {path} answered {status} with {place} not as described: {error.message[:300]}"

    def _where(self, method: str, path: str, status: int, media_type: str) -> str | None:
        """Return the URI of the schema; None if there is none."""
        if media_type == PROBLEM_TYPE:
            return PROBLEM
        for pattern, template in self._paths:
            operation = self._document["paths"][template].get(method)
            if operation is not None and pattern.fullmatch(path):
                if media_type not in operation["responses"].get(str(status), {}).get("content", {}):
                    return None
                steps = ["paths", template, method, "responses", str(status), "content", media_type, "schema"]
                return f"{BASE}#/" + "/".join(quote(step.replace("/", "~1"), safe="~") for step in steps)
        return None

    def _validator(self, where: str) -> Draft202012Validator:
        if where not in self._validators:
            self._validators[where] = Draft202012Validator(
                {"$ref": where}, registry=self._registry, validate_formats=True
            )
        return self._validators[where]


def _closed(node: Any) -> Any:
    """Return a copy in which objects have no other fields than the named ones."""
    if isinstance(node, list):
        return [_closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    if isinstance(node.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed


DIFFERENCES: list[str] = []
"""Differences found during the running test; the top-level conftest fails the test if there are any."""


@cache
def description(package: str, file: str) -> Description:
    return Description(json.loads(files(package).joinpath(file).read_bytes()))


def _description_of(service: str, method: str, path: str, media_type: str) -> Description | None:
    """Return the document of the public or the internal API; None for other routes, such as a test's own."""
    if path.startswith("/v1/") and media_type in (MEDIA_TYPE, PROBLEM_TYPE):
        return description("docstore_gateway", "openapi.json")
    if path.startswith(INTERNAL_PREFIX) and media_type == MEDIA_TYPE:
        internal = description(f"docstore_{service}", OPENAPI_FILE)
        return internal if internal.has(method, path) else None
    return None


def compare(service: str, method: str, path: str, status: int, media_type: str, body: bytes) -> None:
    """Record the differences of a response, if a document describes its route."""
    if status == 204:
        return
    try:
        described = _description_of(service, method, path, media_type)
        if described is None:
            return
        DIFFERENCES.extend(described.differences(method, path, status, media_type, body))
    except Exception as error:  # noqa: BLE001 - the caller has its response; the test fails at its end
        DIFFERENCES.append(f"{method} {path} can't be compared: {error!r}")


@contextmanager
def checked_services() -> Iterator[None]:
    """Compare all responses of services in this process."""
    made = Telemetry.__init__

    def make(self: Telemetry, app: ASGIApp, service: str) -> None:
        made(self, ResponseChecker(app, service), service)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Telemetry, "__init__", make)
        yield


@contextmanager
def checked_clients() -> Iterator[None]:
    """Compare all responses that clients of this process get from gateways in other processes."""
    read = aiohttp.ClientResponse.read

    async def read_and_compare(self: aiohttp.ClientResponse) -> bytes:
        body = await read(self)
        compare("gateway", self.method, self.url.raw_path, self.status, self.content_type, body)
        return body

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(aiohttp.ClientResponse, "read", read_and_compare)
        yield


class ResponseChecker:
    """An ASGI app whose answers are compared as they are sent."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, media_type, body = 0, "", bytearray()

        async def send_and_keep(message: Message) -> None:
            nonlocal status, media_type
            if message["type"] == "http.response.start":
                status, media_type = message["status"], _media_type(message)
            elif media_type in (MEDIA_TYPE, PROBLEM_TYPE):
                body.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, send_and_keep)
        compare(self._service, scope["method"], scope["path"], status, media_type, bytes(body))


def _media_type(start: Message) -> str:
    headers = {name.lower(): value for name, value in start["headers"]}
    return str(headers.get(b"content-type", b"").decode("latin-1").partition(";")[0])

"""Writes services/gateway/src/docstore_gateway/openapi.json from the routes of the services."""

import importlib
import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from openapi_document import compose, dump
from problem_codes import problem_codes

from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.service_keys import new_service_key, public_keys_json
from docstore_platform.services import SERVICE_NAMES, ServiceName, needs_of

OTHER_REGION = {
    "ACCOUNTS_PEERS": '{"elsewhere": "http://localhost"}',
    "ACCOUNTS_PEER_SECRET": 40 * "x",
    "ACCOUNTS_EMAIL_PEPPER": 40 * "x",
}
"""With it, accounts has its routes for other regions."""
TARGET = Path(__file__).parents[1] / "services/gateway/src/docstore_gateway/openapi.json"


def generate() -> bytes:
    """The text that belongs into the file. No server is needed: the apps are made, not started."""
    documents = {name: _public_document(app) for name, app in apps().items()}
    return dump(compose(documents, problem_codes()))


def _public_document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the routes that clients call."""
    public = [route for route in app.routes if isinstance(route, APIRoute) and route.path.startswith(PUBLIC_PREFIX)]
    return get_openapi(title=app.title, version=app.version, routes=public)


def apps() -> dict[ServiceName, FastAPI]:
    """Every service's app, with keys and secrets that are good for nothing."""
    keys = {name: new_service_key() for name in SERVICE_NAMES}
    secrets = {
        "DOCSTORE_SERVICE_KEY": json.dumps(keys),
        "DOCSTORE_SERVICE_PUBLIC_KEYS": public_keys_json({name: [key] for name, key in keys.items()}),
        **{secret: "only to make the apps" for name in SERVICE_NAMES for secret in needs_of(name).secrets},
        **OTHER_REGION,
    }
    with mock.patch.dict(os.environ, secrets):
        return {name: importlib.import_module(f"docstore_{name}.app").create_app() for name in SERVICE_NAMES}


if __name__ == "__main__":
    TARGET.write_bytes(generate())

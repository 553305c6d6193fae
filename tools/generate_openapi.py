"""Writes services/gateway/src/docstore_gateway/openapi.json from what the services say of their routes."""

import importlib
import os
from pathlib import Path
from typing import Any

from docstore_gateway.openapi import compose, dump
from docstore_platform.settings import SERVICE_NAMES

TARGET = Path(__file__).parents[1] / "services/gateway/src/docstore_gateway/openapi.json"


def generate() -> bytes:
    """The text that belongs into the file. No server is needed: the apps are made, not started."""
    os.environ.setdefault("DOCSTORE_INTERNAL_SECRET", "only to make the apps")
    documents: dict[str, Any] = {}
    for name in SERVICE_NAMES:
        module = importlib.import_module(f"docstore_{name}.app")
        documents[name] = module.create_app().openapi()
    return dump(compose(documents))


if __name__ == "__main__":
    TARGET.write_bytes(generate())

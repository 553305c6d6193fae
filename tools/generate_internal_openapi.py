"""Writes `internal-openapi.json` into the package of each service, from its internal routes."""

from pathlib import Path

from generate_openapi import apps
from openapi_document import dump

from docstore_platform.http.internal_openapi import internal_openapi
from docstore_platform.service.app import OPENAPI_FILE
from docstore_platform.services import SERVICE_NAMES

SERVICES = Path(__file__).parents[1] / "services"


def committed_file(service: str) -> Path:
    return SERVICES / service / f"src/docstore_{service}" / OPENAPI_FILE


def generate() -> dict[Path, bytes]:
    """The text of each file."""
    made = apps()
    return {committed_file(name): dump(internal_openapi(made[name])) for name in SERVICE_NAMES}


if __name__ == "__main__":
    for path, text in generate().items():
        path.write_bytes(text)

"""Generated files are up to date: whoever changes their source runs `make generate`."""

import importlib

import generate_internal_openapi
import generate_service_lists
import pytest


@pytest.mark.parametrize(
    "tool", ["generate_dashboard", "generate_event_page", "generate_postman", "generate_sync_client"]
)
def test_the_committed_file_is_the_generated_one(tool: str) -> None:
    """Nobody has edited it by hand, and it is not behind."""
    module = importlib.import_module(tool)
    assert module.TARGET.read_text("utf-8") == module.text(), "run: make generate"


def test_the_committed_lists_of_services_are_those_of_the_registry() -> None:
    """A service that is added, or calls another one, is in compose, chart, import contracts and docs."""
    for path, text in generate_service_lists.generate().items():
        assert path.read_text("utf-8") == text, f"{path}: run: make generate"


def test_the_committed_internal_documents_are_the_generated_ones() -> None:
    """Operators and callers read what each service serves under `/internal`."""
    for path, text in generate_internal_openapi.generate().items():
        assert path.read_bytes() == text, f"{path}: run: make generate"

"""Generated files are up to date: whoever changes their source runs `make generate`."""

import importlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import generate_chart_files
import generate_event_schemas
import generate_internal_openapi
import generate_man_pages
import generate_service_lists
import generate_versions
import pytest
from jsonschema_rs import Draft202012Validator

ROOT = Path(__file__).parents[2]
GOLDEN_EVENTS = ROOT / "libs/events/tests/golden"


@pytest.mark.parametrize(
    "tool",
    [
        "generate_api_page", "generate_cli_page", "generate_dashboard", "generate_event_page", "generate_postman",
        "generate_python_page", "generate_settings_page", "generate_slos", "generate_sync_client",
    ],
)  # fmt: skip
def test_the_committed_file_is_the_generated_one(tool: str) -> None:
    """No one has edited it by hand, and it is not behind."""
    module = importlib.import_module(tool)
    assert module.TARGET.read_text("utf-8") == module.text(), "run: make generate"


def test_the_committed_lists_of_services_are_those_of_the_registry() -> None:
    """A service that is added, or calls another one, is in compose, chart, import contracts and docs."""
    for path, text in generate_service_lists.generate().items():
        assert path.read_text("utf-8") == text, f"{path}: run: make generate"


def test_the_chart_has_its_values_documented_and_the_alerts_and_dashboard_of_all() -> None:
    """Its README is that of its values, and its copies are those of deploy/observability."""
    for path, text in generate_chart_files.generate().items():
        assert path.read_text("utf-8") == text, f"{path}: run: make generate"


def test_the_committed_versions_are_that_of_the_project() -> None:
    """Each package and the chart have the version of pyproject.toml, and packages require each other in it."""
    for path, text in generate_versions.generate().items():
        assert path.read_text("utf-8") == text, f"{path}: run: make service-lists"


def test_the_changelog_has_the_version_and_a_part_for_the_next() -> None:
    """Release notes are taken from there."""
    headings = re.findall("^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(generate_versions.version())} - \d{{4}}-\d\d-\d\d", headings[1])


def test_the_committed_internal_documents_are_the_generated_ones() -> None:
    """Operators and callers read what each service serves under `/internal`."""
    for path, text in generate_internal_openapi.generate().items():
        assert path.read_bytes() == text, f"{path}: run: make generate"


def test_the_committed_schemas_of_events_are_the_generated_ones() -> None:
    """Consumers validate and generate code from what `ce_dataschema` names."""
    for name, text in generate_event_schemas.texts().items():
        assert (generate_event_schemas.FOLDER / name).read_text("utf-8") == text, f"{name}: run: make generate"


def test_the_committed_manual_pages_are_those_of_the_commands() -> None:
    """`man docstore-ls` contains what `docstore ls --help` shows; a removed command has no page."""
    committed = {path.name: path.read_text("utf-8") for path in generate_man_pages.FOLDER.glob("*.1")}
    assert committed == generate_man_pages.texts(), "run: make generate"


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_manual_pages_are_valid() -> None:
    """The program that shows them has no warning."""
    for path in sorted(generate_man_pages.FOLDER.glob("*.1")):
        command = ["groff", "-man", "-Tutf8", "-ww", "-z", path]
        shown = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (shown.returncode, shown.stderr) == (0, ""), path


@pytest.mark.parametrize("path", sorted(GOLDEN_EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_each_sample_of_an_event_is_valid_by_its_schema(path: Path) -> None:
    """What is published has the form that is promised."""
    schema = json.loads((generate_event_schemas.FOLDER / f"{path.stem}.schema.json").read_text("utf-8"))
    assert schema["$id"] == "urn:docstore:event:{}:{}".format(*path.stem.rsplit(".", 1))
    Draft202012Validator(schema, validate_formats=True).validate(json.loads(path.read_text("utf-8"))["value"])

"""What a release is made of besides its packages: notes, versions, SBOMs."""

from typing import Any

import generate_versions
import pytest
import release_notes
import sbom

CHANGELOG = """# Changelog

## Unreleased

## 1.1.0 - 2026-12-01

### Added
- A thing.

## 1.0.0 - 2026-11-01
- Another.
"""


def component(name: str, *licences: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": "1", "licenses": list(licences)}


def test_notes_are_the_part_of_the_version() -> None:
    """Its date and changes, and nothing of other versions."""
    notes = release_notes.notes(CHANGELOG, "1.1.0")
    assert notes.startswith("DocStore 1.1.0, 2026-12-01\n\n## Added\n- A thing.\n")
    assert "Another" not in notes


@pytest.mark.parametrize("version", ["2.0.0", "Unreleased", "1.1"])
def test_a_version_without_changes_has_no_notes(version: str) -> None:
    """A release no one described fails."""
    with pytest.raises(ValueError, match="has no part"):
        release_notes.notes(CHANGELOG, version)


def test_the_version_to_come_has_notes() -> None:
    """`make release` finds them."""
    changelog = release_notes.CHANGELOG.read_text("utf-8")
    assert release_notes.notes(changelog, generate_versions.version())


@pytest.mark.parametrize(
    ("version", "semantic"), [("1.0.0", "1.0.0"), ("1.0.0rc1", "1.0.0-rc.1"), ("2.1.0b3", "2.1.0-beta.3")]
)
def test_the_chart_has_the_version_in_its_form(version: str, semantic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Helm takes semantic versions only."""
    monkeypatch.setattr(generate_versions, "version", lambda: version)
    assert generate_versions.semantic_version() == semantic


def test_two_runs_give_the_same_sbom() -> None:
    """Whatever its serial number, its time and the order of its packages."""
    one = {
        "serialNumber": "urn:uuid:1",
        "metadata": {"timestamp": "now"},
        "components": [component("b"), component("a")],
    }
    two = {
        "serialNumber": "urn:uuid:2",
        "metadata": {"timestamp": "later"},
        "components": [component("a"), component("b")],
    }
    assert sbom.reproducible(one, 0) == sbom.reproducible(two, 0)
    assert sbom.reproducible(one, 0)["metadata"]["timestamp"] == "1970-01-01T00:00:00Z"


def test_licences_that_bind_the_whole_are_refused() -> None:
    """A choice of licences is accepted if one of them is; the LGPL is another licence."""
    components = [
        component("strict", {"license": {"id": "GPL-3.0-only"}}),
        component("choice", {"expression": "MIT OR GPL-2.0-or-later"}),
        component("library", {"license": {"id": "LGPL-3.0-only"}}),
        component("free", {"license": {"id": "MIT"}}),
    ]
    assert sbom.refused({"components": components}) == ["strict: GPL-3.0-only"]

"""Each package has the metadata that an index and a packager need."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECTS = [
    path for pattern in ("libs", "services", "clients", "deploy") for path in ROOT.glob(f"{pattern}/*/pyproject.toml")
]


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_a_package_has_a_licence_a_readme_and_classifiers(path: Path) -> None:
    """Its wheel carries the text of the licence and the page that people read first."""
    project = tomllib.loads(path.read_text("utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
    for name in project["license-files"]:
        assert (path.parent / name).read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (path.parent / project["readme"]).read_text("utf-8").startswith("# ")
    assert project["classifiers"]
    assert project["description"]
    assert project["urls"].keys() >= {"Documentation", "Source", "Changelog"}

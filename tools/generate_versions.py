"""Writes version and URLs of the release, which pyproject.toml of the project names, into packages, chart and page.

Packages of one release belong together: each requires the others in its own version.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.version import Version

ROOT = Path(__file__).parents[1]
CHART = ROOT / "deploy/k8s/docstore/Chart.yaml"
PAGE = [ROOT / "web/package.json", ROOT / "web/package-lock.json"]
PRE_RELEASES = {"a": "alpha", "b": "beta", "rc": "rc"}


def version() -> str:
    """The version of the release, in the form of Python packages: 1.0.0rc1."""
    return str(project()["version"])


def semantic_version() -> str:
    """The same for Helm and npm: 1.0.0-rc.1."""
    release = Version(version())
    base = release.base_version
    return base if release.pre is None else f"{base}-{PRE_RELEASES[release.pre[0]]}.{release.pre[1]}"


def packages() -> list[Path]:
    """Folders of the packages that a release consists of."""
    return sorted(path.parent for path in ROOT.glob("*/*/pyproject.toml"))


def generate() -> dict[Path, str]:
    """The text of each file."""
    texts = {folder / "pyproject.toml": _package(folder / "pyproject.toml") for folder in packages()}
    urls = project()["urls"]
    lines = f'version: {semantic_version()}\nappVersion: "{version()}"\n'
    lines += f"home: {urls['Documentation']}\nsources: [{urls['Source']}]\n"
    texts[CHART] = re.sub(
        r"^version: .*\nappVersion: .*\n(home: .*\nsources: .*\n)?", lines, CHART.read_text("utf-8"), flags=re.M
    )
    own = r'("name": "docstore-web",\n +"version": )".*"'
    return texts | {path: re.sub(own, rf'\1"{semantic_version()}"', path.read_text("utf-8")) for path in PAGE}


def _package(path: Path) -> str:
    urls = ", ".join(f'{name} = "{url}"' for name, url in project()["urls"].items())
    text = re.sub(
        r"^version = .*\n(urls = .*\n)?",
        f'version = "{version()}"\nurls = {{ {urls} }}\n',
        path.read_text("utf-8"),
        count=1,
        flags=re.M,
    )
    return re.sub(r'^(    "docstore-[a-z]+(?:\[[a-z]+\])?)(==.*)?",$', rf'\1=={version()}",', text, flags=re.M)


def project() -> dict[str, Any]:
    """The metadata of the project, which a fork sets once."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]  # type: ignore[no-any-return]


if __name__ == "__main__":
    for path, text in generate().items():
        if path.read_text("utf-8") != text:  # a newer pyproject.toml would rebuild .venv
            path.write_text(text, "utf-8")

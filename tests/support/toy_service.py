"""A copy of the project with one more service, added as CONTRIBUTING.md describes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("libs", "services", "deploy", "tools", "docs", "pyproject.toml", "docker-compose.yml")
REGISTRY = Path("libs/platform/src/docstore_platform/services.py")
GENERATORS = ("generate_service_lists", "generate_kafka_acls")
NAME = "toy"
FOLDER = Path("services") / NAME
OWN_FILES = {
    "README.md": "# toy\n",
    "pyproject.toml": '[project]\nname = "docstore-toy"\nversion = "0.1.0"\ndescription = "An example"\n',
    "src/docstore_toy/__init__.py": "",
    "src/docstore_toy/app.py": "from fastapi import FastAPI\n\n\ndef create_app() -> FastAPI:\n    return FastAPI()\n",
    "deploy/compose.yml": 'mem_limit: 64m\nenvironment:\n  TOY_COLOUR: "red"\n',
    "deploy/values.yaml": "replicas: 3\n",
}


class Project:
    """A copy in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("tests", "state"))
            else:
                shutil.copy(source, folder / name)

    def add_toy(self) -> None:
        """What a person does: the service's own folder, and one line in the registry."""
        for name, text in OWN_FILES.items():
            path = self.folder / FOLDER / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        registry = self.folder / REGISTRY
        registry.write_text(registry.read_text().replace('    "quota",\n', f'    "quota",\n    "{NAME}",\n', 1))

    def generate(self) -> None:
        """Those parts of `make generate` that name services."""
        for tool in GENERATORS:
            self.run(f"tools/{tool}.py")

    def run(self, *arguments: str) -> str:
        """What Python prints, with the copy's packages in place of the installed ones."""
        sources = [*self.folder.glob("*/*/src"), self.folder / "tools"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sources))}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def files(self) -> dict[Path, str]:
        """Every text of the copy, by its path."""
        return dict(self._texts())

    def _texts(self) -> Iterator[tuple[Path, str]]:
        for path in self.folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(self.folder), path.read_text("utf-8", errors="replace")

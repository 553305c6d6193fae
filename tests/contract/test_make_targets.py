"""Every `make` target that CI and documents mention exists; `make` uses the machine's Node only where that fits."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
COMMAND = r"(?:[A-Z_]+=\S+ )*make ([a-z][a-z0-9-]+)"
CI = [ROOT / ".ci" / "run", *ROOT.glob(".github/workflows/*.yml")]
RULES = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))


def test_every_declared_target_has_a_rule() -> None:
    """A target that lost its rule would succeed without doing anything."""
    (declared,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert set(declared.split()) <= RULES


def test_ci_and_documents_name_targets_that_exist() -> None:
    """`make NAME`, wherever it is written as code."""
    documents = [*CI, *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/*/README.md")]
    for path in documents:
        if path.name == "CHANGELOG.md":  # names targets of earlier versions
            continue
        text = path.read_text()
        if path in CI:
            named = set(re.findall(r"\bmake (?:--\w+ )*([a-z][a-z0-9-]+)", text))
            named |= set(re.split(r", ", ", ".join(re.findall(r"target: \[(.*)\]", text)))) - {""}
        else:
            scripts = "".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
            named = set(re.findall(rf"^{COMMAND}", scripts, re.MULTILINE)) | set(re.findall(f"`{COMMAND}", text))
        assert named <= RULES, path.name


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("v9.11.2", False), ("v18.19.1", False), ("v20.9.0", False), ("v20.18.3", False), ("v20.19.0", True),
        ("v21.7.3", False), ("v22.11.0", False), ("v22.12.0", True), ("v23.5.0", True), ("v24.11.1", True),
    ],
)  # fmt: skip
def test_the_node_of_the_machine_is_used_if_it_builds_the_page(tmp_path: Path, version: str, fits: bool) -> None:
    """The page's build fails on an older one: then Node comes from PyPI."""
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / name).chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment = {**clean, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = ["make", "--print-data-base", "--dry-run", "help"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    (folder,) = re.findall("^NODE_BIN := (.*)$", done.stdout, re.MULTILINE)
    assert folder == str(tmp_path if fits else ROOT / ".tools/node/bin")

"""Every `make` target that CI and documents mention exists."""

import re
from pathlib import Path

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

"""The pages of docs/runbook as tests read them, and the conditions of the alerts that lead to them."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from promql import evaluate, parse
from scraped_metrics import Expression, Labels, Metrics, Recording

ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "docs" / "runbook"
RULES = ("alerts.yml", "slo_rules.yml")
TESTS = ROOT / "tests"
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`((?:docstore|python -m|kubectl|docker|cat|curl) [^`]+|date|curl)`")
_ASSIGNED = re.compile(r"^(?:[A-Z_]+=\S+ )+")
_DRILL = re.compile(r'\bDrill\("(\w+)"')
_METRIC = re.compile(r"\b(?:docstore_\w+|up)\b")


def commands(page: Path) -> list[str]:
    """Each line of its blocks for a shell, and each command that a sentence quotes, as written."""
    text = page.read_text("utf-8")
    lines = [line for block in _BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    parts = [_ASSIGNED.sub("", part.strip()) for line in lines for part in line.split(" && ")]
    sentences = re.sub(r"\s*\n\s*", " ", _BLOCK.sub("", text))
    return [*filter(None, parts), *_QUOTED.findall(sentences)]


def drilled() -> set[str]:
    """The alerts that are provoked on a real stack."""
    return {alert for path in TESTS.glob("*/test_*.py") for alert in _DRILL.findall(path.read_text("utf-8"))}


@cache
def rules() -> list[dict[str, Any]]:
    """Every rule, those that record series and those that alert."""
    files = [yaml.safe_load((ROOT / "deploy/observability" / name).read_text("utf-8")) for name in RULES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """Every alerting rule."""
    return [rule for rule in rules() if "alert" in rule]


@cache
def recording() -> Recording:
    """The rules of each series that is recorded."""
    found: dict[str, list[tuple[Expression, Labels]]] = {}
    for rule in rules():
        if "record" in rule:
            derived = parse(rule["expr"]), frozenset(rule.get("labels", {}).items())
            found.setdefault(rule["record"], []).append(derived)
    return found


@cache
def metric_names() -> frozenset[str]:
    """The metrics that rules read."""
    return frozenset(name for rule in rules() for name in _METRIC.findall(rule["expr"]))


@dataclass(frozen=True, slots=True)
class Drill:
    """One alert with its page. An alert may have several rules, each with its severity."""

    alert: str

    @property
    def rules(self) -> list[dict[str, Any]]:
        return [rule for rule in alerts() if rule["alert"] == self.alert]

    @property
    def page(self) -> Path:
        (name,) = {rule["annotations"]["runbook"] for rule in self.rules}
        return ROOT / str(name)

    @property
    def has_windows(self) -> bool:
        """Whether one scrape is not enough to tell if it fires."""
        return any("[" in rule["expr"] or "slo:" in rule["expr"] for rule in self.rules)

    def command(self, written: str, **values: str) -> list[str]:
        """The words of a command that the page has, with values in place of its words in capitals."""
        assert written in commands(self.page), f"{self.page} does not have {written}"
        return [values.get(word, word) for word in written.split()[1:]]

    def quoted(self, written: str) -> str:
        """A route or an instruction for another program that the page has in a sentence."""
        assert f"`{written}`" in self.page.read_text("utf-8"), f"{self.page} does not have {written}"
        return written

    def setting(self, name: str, value: str) -> dict[str, str]:
        """A setting that the page names, perhaps with this value."""
        assert re.search(rf"`{name}(?:={value})?`", self.page.read_text("utf-8")), f"{self.page} does not name {name}"
        return {name: value}

    def alerts(self, metrics: Metrics, at: float) -> list[Labels]:
        """The labels of each alert whose condition is true at `at`; how long that has to last is left out."""
        return [
            labels | frozenset(rule["labels"].items())
            for rule in self.rules
            for labels in evaluate(rule["expr"], metrics, at)
        ]

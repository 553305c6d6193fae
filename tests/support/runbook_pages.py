"""The pages of docs/runbook as tests read them, and the conditions of the alerts that lead to them."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "docs" / "runbook"
RULES = ("alerts.yml", "slo_rules.yml")
TESTS = ROOT / "tests"
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`((?:docstore|python -m|kubectl|docker|cat|curl) [^`]+|date|curl)`")
_ASSIGNED = re.compile(r"^(?:[A-Z_]+=\S+ )+")
_DRILL = re.compile(r'\bDrill\("(\w+)"')
_LEVEL = re.compile(
    r"(?:(?P<total>sum|max)(?: by \((?P<by>\w+)\))? ?\()?(?:max by \(\w+\) \()?"
    r'(?P<metric>\w+)(?:\{(?P<label>\w+)="(?P<value>\w+)"\})?\)* (?P<sign>>|==) (?P<limit>\d+)'
)
"""An alert on the level of one metric. A maximum within it is one of several instances, of which a drill has one."""


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
def alerts() -> list[dict[str, Any]]:
    """Every alerting rule."""
    files = [yaml.safe_load((ROOT / "deploy/observability" / name).read_text("utf-8")) for name in RULES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"] if "alert" in rule]


@dataclass(frozen=True, slots=True)
class Drill:
    """One alert with its page."""

    alert: str

    @property
    def page(self) -> Path:
        (rule,) = [rule for rule in alerts() if rule["alert"] == self.alert]
        return ROOT / rule["annotations"]["runbook"]

    def command(self, written: str, **values: str) -> list[str]:
        """The words of a command that the page has, with values in place of its words in capitals."""
        assert written in commands(self.page), f"{self.page} does not have {written}"
        return [values.get(word, word) for word in written.split()[1:]]

    def setting(self, name: str, value: str) -> dict[str, str]:
        """A setting that the page names, perhaps with this value."""
        assert re.search(rf"`{name}(?:={value})?`", self.page.read_text("utf-8")), f"{self.page} does not name {name}"
        return {name: value}

    def holds(self, exposition: str) -> bool:
        """Whether its expression is true of one instance's metrics; how long that has to last is left out."""
        (rule,) = [rule for rule in alerts() if rule["alert"] == self.alert]
        level = _LEVEL.fullmatch(rule["expr"])
        assert level, f"{rule['expr']} is not about the level of one metric"
        groups: dict[str, list[float]] = {}
        for family in text_string_to_metric_families(exposition):
            for sample in family.samples:
                if sample.name == level["metric"] and sample.labels.get(level["label"]) == level["value"]:
                    groups.setdefault(sample.labels.get(level["by"], ""), []).append(sample.value)
        total, limit = sum if level["total"] == "sum" else max, float(level["limit"])
        values = map(total, groups.values())
        return any(value == limit if level["sign"] == "==" else value > limit for value in values)

"""Writes the rules of service level objectives: `python tools/generate_slos.py`.

Alerts on several windows and burn rates, as in Google's Site Reliability Workbook, chapter 5: a budget that burns
fast pages within minutes, one that burns slowly is a ticket, and the shorter window ends the alert soon after the
cause. Long windows are sums of the recorded rates of 5 minutes, which cost little.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

OBSERVABILITY = Path(__file__).parents[1] / "deploy" / "observability"
SOURCE = OBSERVABILITY / "slos.yml"
TARGET = OBSERVABILITY / "slo_rules.yml"
HEAD = "# Written by `make generate` from slos.yml.\n"
BASE = "5m"
WINDOWS = ("30m", "1h", "2h", "6h", "1d", "3d")
SECONDS = {"m": 60, "h": 3600, "d": 86400}
RECORDING_INTERVAL, BUDGET_INTERVAL = "1m", "5m"
"""The first one is the 60 seconds of the sums."""

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Burn:
    """An alert: this many times the rate that uses up the budget at the end of the period."""

    long: str
    short: str
    factor: float
    severity: str


BURNS = (
    Burn("1h", "5m", 14.4, "page"),
    Burn("6h", "30m", 6, "page"),
    Burn("1d", "2h", 3, "ticket"),
    Burn("3d", "6h", 1, "ticket"),
)


@dataclass(frozen=True, slots=True)
class Objective:
    """Either `errors` or `within`, the events that were good, counts against `events`."""

    name: str
    alert: str
    objective: float
    """Percentage of good events."""
    least: int
    description: str
    events: str
    errors: str = ""
    within: str = ""
    by: list[str] = field(default_factory=list)

    @property
    def budget(self) -> float:
        return round(1 - self.objective / 100, 6)

    @property
    def selector(self) -> str:
        return f'{{slo="{self.name}"}}'

    def records(self) -> list[Rule]:
        """Events and errors a second; no errors are 0, not absent."""
        errors = f"{self.events} - {self.within}" if self.within else f"{self.errors} or 0 * {self.events}"
        return [self._record(f"slo:events:rate{BASE}", self.events), self._record(f"slo:errors:rate{BASE}", errors)]

    def alerts(self, period: str) -> list[Rule]:
        return [self._alert(severity, period) for severity in dict.fromkeys(burn.severity for burn in BURNS)]

    def _record(self, name: str, expression: str) -> Rule:
        return {"record": name, "expr": expression, "labels": {"slo": self.name}}

    def _alert(self, severity: str, period: str) -> Rule:
        burns = [self._burning(burn) for burn in BURNS if burn.severity == severity]
        whose = "".join(f" of {{{{ $labels.{label} }}}}" for label in self.by)
        share = "{{ $value | humanizePercentage }}"
        summary = f"{self.name}{whose}: {share} are errors, {self.budget:.1%} are allowed in {period}"
        page = f"docs/runbook/{self.name}.md"
        return {
            "alert": self.alert,
            "expr": "\nor\n".join(burns),
            "labels": {"severity": severity},
            "annotations": {"summary": summary, "runbook": page},
        }

    def _burning(self, burn: Burn) -> str:
        limit = f"> {burn.factor:g} * {self.budget:g}"
        few = f"slo:errors:rate{burn.long}{self.selector} * {_seconds(burn.long)} >= {self.least}"
        ratios = [f"slo:errors:ratio_rate{window}{self.selector} {limit}" for window in (burn.long, burn.short)]
        return "({})".format(" and ".join([*ratios, few]))


def _seconds(window: str) -> int:
    return int(window[:-1]) * SECONDS[window[-1]]


def objectives() -> tuple[str, list[Objective]]:
    """The period and what is promised for it."""
    content = yaml.safe_load(SOURCE.read_text("utf-8"))
    return content["period"], [Objective(**each) for each in content["objectives"]]


def rules() -> dict[str, Any]:
    """As Prometheus reads them."""
    period, promised = objectives()
    return {
        "groups": [
            {
                "name": "docstore-slo",
                "interval": RECORDING_INTERVAL,
                "rules": [
                    *(record for each in promised for record in each.records()),
                    *(_sum(kind, window) for window in WINDOWS for kind in ("events", "errors")),
                    *(_ratio(window) for window in (BASE, *WINDOWS)),
                ],
            },
            {"name": "docstore-slo-budget", "interval": BUDGET_INTERVAL, "rules": [*_budgets(period, promised)]},
            {"name": "docstore-slo-alerts", "rules": [rule for each in promised for rule in each.alerts(period)]},
        ]
    }


def _sum(kind: str, window: str) -> Rule:
    """A second. What is not recorded yet counts as nothing."""
    expression = f"sum_over_time(slo:{kind}:rate{BASE}[{window}]) * 60 / {_seconds(window)}"
    return {"record": f"slo:{kind}:rate{window}", "expr": expression}


def _ratio(window: str) -> Rule:
    """Without a value where nothing happened."""
    expression = f"slo:errors:rate{window} / (slo:events:rate{window} > 0)"
    return {"record": f"slo:errors:ratio_rate{window}", "expr": expression}


def _budgets(period: str, promised: list[Objective]) -> list[Rule]:
    """What is left of each budget: 1 is all of it; below 0 the objective is missed."""
    return [
        {"record": "slo:error_budget:remaining", "expr": _budget(each, period), "labels": {"slo": each.name}}
        for each in promised
    ]


def _budget(promise: Objective, period: str) -> str:
    errors, events = (
        f"avg_over_time(slo:{kind}:rate{BASE}{promise.selector}[{period}])" for kind in ("errors", "events")
    )
    return f"1 - {errors} / ({events} > 0) / {promise.budget:g}"


def text() -> str:
    return HEAD + yaml.safe_dump(rules(), sort_keys=False, width=1000)


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")

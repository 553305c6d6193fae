"""The tests of the alert rules without Prometheus: its `promtool` runs the same files where it is installed.

They compare our evaluator, by which drills decide whether an alert fires, with what Prometheus results in.
"""

import re
from typing import Any

import pytest
import yaml
from promql import Unsupported, duration, evaluate, parse
from runbook_pages import ROOT, alerts, recording
from scraped_metrics import MINUTE, Labels, Metrics

OBSERVABILITY = ROOT / "deploy" / "observability"
SERIES = re.compile(r"(\w+)\{(.*)\}")
LABEL = re.compile(r'(\w+)="([^"]*)"')
RUN = re.compile(r"(\d+)(?:\+(\d+))?(?:x(\d+))?")
"""As in promtool: a value, how much is added each time, how many times."""
FILES = ("alerts_test.yml", "slo_rules_test.yml")
CASES = [
    pytest.param(case, id=f"{name}-{number}")
    for name in FILES
    for number, case in enumerate(yaml.safe_load((OBSERVABILITY / name).read_text("utf-8"))["tests"])
]


def minutes(text: str) -> int:
    """A time such as 24h10m."""
    return sum(duration(each) for each in re.findall(r"\d+[smhd]", text)) // int(MINUTE)


def values(written: str) -> list[float]:
    found: list[float] = []
    for first, step, times in RUN.findall(written):
        found += [float(first) + number * float(step or 0) for number in range(int(times or 0) + 1)]
    return found


def scraped(case: dict[str, Any]) -> Metrics:
    """The series of a test, with a sample each minute."""
    metrics, all_series = Metrics(recording()), []
    for series in case["input_series"]:
        name, labels = SERIES.fullmatch(series["series"]).groups()  # type: ignore[union-attr]
        all_series.append((name, dict(LABEL.findall(labels)), values(series["values"])))
    for minute in range(max(len(numbers) for _, _, numbers in all_series)):
        samples = [(name, labels, numbers[minute]) for name, labels, numbers in all_series if minute < len(numbers)]
        metrics.scrape(minute * MINUTE, samples)
    return metrics


def firing(alert: str, metrics: Metrics, minute: int) -> list[Labels]:
    """The label sets for which a rule's expression has been true as long as it says."""
    found: list[Labels] = []
    for rule in [rule for rule in alerts() if rule["alert"] == alert]:
        past = range(minute - minutes(rule.get("for", "0m")), minute + 1)
        lasting = frozenset.intersection(*(frozenset(evaluate(rule["expr"], metrics, at * MINUTE)) for at in past))
        found += [labels | frozenset(rule["labels"].items()) for labels in lasting]
    return found


@pytest.mark.parametrize("case", CASES)
def test_each_alert_fires_as_in_prometheus(case: dict[str, Any]) -> None:
    """For the labels that it should, when it should, and not before."""
    metrics = scraped(case)
    for expected in case["alert_rule_test"]:
        labels = [frozenset(alert["exp_labels"].items()) for alert in expected["exp_alerts"]]
        found = firing(expected["alertname"], metrics, minutes(expected["eval_time"]))
        assert sorted(map(sorted, found)) == sorted(map(sorted, labels)), expected


@pytest.mark.parametrize(
    "expression",
    [
        "avg(a)",
        "sum without (b) (a)",
        "rate(a)",
        "rate(a[5m] offset 5m) > 1",
        "a[5m]",
        "a / on (b) c",
        "a > bool 1",
        "rate(sum(a)[5m:1m])",
        "topk(1, a)",
        "a unless b",
        "-a",
        'a{b="\\n"}',
        "a @ 1",
        "sum(a",
        "a b",
        "sum(a) by (b)",
        "",
    ],
)
def test_what_the_evaluator_does_not_know_is_refused(expression: str) -> None:
    """A rule of a new shape fails, rather than being evaluated wrongly."""
    with pytest.raises(Unsupported):
        parse(expression)

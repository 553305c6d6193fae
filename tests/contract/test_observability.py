"""Alerts, dashboard and runbook match each other and the metrics of the services."""

import ast
import json
import re
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
OBSERVABILITY = ROOT / "deploy" / "observability"
METRIC = re.compile(r"\bdocstore_[a-z_]+\b")
NAME = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")
"""What a runbook page quotes: events of the log, metrics, collections."""
PROCEDURES = {f"docs/runbook/{name}.md" for name in ("README", "backup-and-restore", "region-lost", "rotate-secrets")}
"""The table of pages, and pages for what is done without an alert."""
ENDINGS = ("_bucket", "_count", "_sum")


@cache
def metrics() -> set[str]:
    """Names of the metrics made anywhere in the sources."""
    return {
        node.args[0].value
        for folder in ("libs", "services")
        for path in (ROOT / folder).glob("*/src/**/*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"Counter", "Gauge", "Histogram", "RequestHistogram"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def named(query: str) -> set[str]:
    """The metrics a query names."""
    known = metrics()
    found = set(METRIC.findall(query))
    return {
        name if name in known else name.removesuffix(next((e for e in ENDINGS if name.endswith(e)), ""))
        for name in found
    }


def rules() -> list[dict[str, dict[str, str]]]:
    files = [yaml.safe_load((OBSERVABILITY / name).read_text("utf-8")) for name in ("alerts.yml", "slo_rules.yml")]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, dict[str, str]]]:
    return [rule for rule in rules() if "alert" in rule]


def test_alerts_are_about_metrics_that_exist() -> None:
    """A metric that is renamed takes its alert along."""
    assert set().union(*(named(str(rule["expr"])) for rule in rules())) <= metrics()


def test_panels_are_about_metrics_that_exist() -> None:
    """The same for the dashboard."""
    panels = json.loads((OBSERVABILITY / "grafana" / "docstore.json").read_text("utf-8"))["panels"]
    queries = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    assert queries
    assert set().union(*map(named, queries)) <= metrics()


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    """Who is woken finds what to do."""
    pages = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "docs" / "runbook").glob("*.md")}
    assert {rule["annotations"]["runbook"] for rule in alerts()} == set(pages) - PROCEDURES
    for rule in alerts():
        assert pages[rule["annotations"]["runbook"]].read_text("utf-8").startswith(f"# {rule['alert']}\n")


def test_names_that_the_runbook_quotes_are_in_the_sources() -> None:
    """Who looks for an event in a log finds it: each name in back quotes is one of the sources'."""
    pages = "".join(path.read_text("utf-8") for path in (ROOT / "docs" / "runbook").glob("*.md"))
    names = set(NAME.findall(pages))
    sources = "".join(
        path.read_text("utf-8") for top in ("libs", "services", "deploy") for path in (ROOT / top).glob("*/src/**/*.py")
    )
    assert names
    assert {name for name in names if f'"{name}"' not in sources} == set()


def test_every_alert_is_seen_to_fire_in_its_tests() -> None:
    """`make alert-test` runs them by Prometheus' own promtool; none may be left out."""
    files = [
        yaml.safe_load((OBSERVABILITY / f"{name}_test.yml").read_text("utf-8")) for name in ("alerts", "slo_rules")
    ]
    cases = [case for file in files for test in file["tests"] for case in test.get("alert_rule_test", [])]
    fired = {(case["alertname"], each["exp_labels"]["severity"]) for case in cases for each in case["exp_alerts"]}
    assert fired == {(rule["alert"], rule["labels"]["severity"]) for rule in alerts()}

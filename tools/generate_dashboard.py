"""Writes the Grafana dashboard: `python tools/generate_dashboard.py`. Each row shows one aspect at a glance."""

import json
from pathlib import Path
from typing import Any

import generate_slos

TARGET = Path(__file__).parents[1] / "deploy" / "observability" / "grafana" / "docstore.json"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH, HEIGHT, COLUMNS = 6, 7, 24
SERVED = "sum by (service) (rate(docstore_http_request_seconds_count[5m]))"


def slowest(metric: str, share: float, by: str, window: str = "5m") -> str:
    """The time within which `share` of them are done."""
    return f"histogram_quantile({share}, sum by ({by}, le) (rate({metric}_bucket[{window}])))"


def a_minute(counter: str, by: str) -> str:
    return f"sum by ({by}) (rate({counter}[5m])) * 60" if by else f"sum(rate({counter}[5m])) * 60"


Panel = tuple[str, str, str, str, str]
"""Title, kind (`stat` or `timeseries`), unit, legend, query."""

OBJECTIVES: list[Panel] = [
    (
        f"Error budget of {each.name} ({each.objective:g} %)",
        "timeseries",
        "percentunit",
        " ".join(["left", *(f"{{{{{label}}}}}" for label in each.by)]),
        f"slo:error_budget:remaining{each.selector}",
    )
    for each in generate_slos.objectives()[1]
]
ROWS: dict[str, list[Panel]] = {
    "Objectives": [
        *OBJECTIVES,
        (
            "Burn rate of the last hour (1: the budget lasts its period)",
            "timeseries",
            "short",
            "{{slo}} {{service}}",
            " or ".join(
                f"slo:errors:ratio_rate1h{each.selector} / {each.budget:g}" for each in generate_slos.objectives()[1]
            ),
        ),
    ],
    "Health": [
        ("Instances that respond", "stat", "none", "{{service_name}}", 'sum by (service_name) (up{job="docstore"})'),
        ("Calls served", "timeseries", "reqps", "{{service}}", SERVED),
        (
            "Server errors (5xx)",
            "timeseries",
            "percentunit",
            "{{service}}",
            'sum by (service) (rate(docstore_http_request_seconds_count{status=~"5.."}[5m])) / ' + SERVED,
        ),
        (
            "Events handled",
            "timeseries",
            "eps",
            "{{service}}",
            "sum by (service) (rate(docstore_events_handled_total[5m]))",
        ),
    ],
    "Backlogs": [
        (
            "Consumer lag",
            "timeseries",
            "short",
            "{{service}} {{topic}}",
            "sum by (service, topic) (docstore_consumer_lag_events)",
        ),
        (
            "Age of the oldest event in the outbox",
            "timeseries",
            "s",
            "{{service}}",
            "max by (service) (docstore_outbox_lag_seconds)",
        ),
        ("Dead letters", "stat", "short", "{{service}}", "max by (service) (docstore_dead_letters_waiting)"),
        ("Stalled uploads", "stat", "short", "uploads", "max(docstore_uploads_stalled)"),
        (
            "Documents waiting for the index",
            "timeseries",
            "short",
            "{{lane}}",
            "max by (lane) (docstore_index_pending_documents)",
        ),
        (
            "Contents waiting for previews",
            "timeseries",
            "short",
            "contents",
            "max(docstore_media_pending_renditions)",
        ),
        (
            "Messages delayed or failed",
            "timeseries",
            "cpm",
            "{{channel}}",
            a_minute('docstore_notify_deliveries_total{outcome=~"put_off|failed"}', "channel"),
        ),
        ("Bytes counted wrongly", "stat", "bytes", "bytes", "max(docstore_quota_drift_bytes)"),
        (
            "Age of the oldest event that is not archived",
            "timeseries",
            "s",
            "oldest",
            "max(docstore_archive_oldest_seconds)",
        ),
        ("Audit entries not sealed yet", "stat", "short", "entries", "max(docstore_audit_unsealed_entries)"),
        (
            "Replication lag to other regions",
            "timeseries",
            "s",
            "{{peer}}",
            "max by (peer) (docstore_replication_behind_seconds)",
        ),
    ],
    "Latency": [
        (
            "Response time, p50",
            "timeseries",
            "s",
            "{{service}}",
            slowest("docstore_http_request_seconds", 0.5, "service"),
        ),
        (
            "Response time, p99",
            "timeseries",
            "s",
            "{{service}}",
            slowest("docstore_http_request_seconds", 0.99, "service"),
        ),
        (
            "The ten slowest routes",
            "timeseries",
            "s",
            "{{method}} {{route}}",
            f"topk(10, {slowest('docstore_http_request_seconds', 0.99, 'method, route')})",
        ),
        (
            "Event handling delay, p99",
            "timeseries",
            "s",
            "{{service}}",
            slowest("docstore_event_delay_seconds", 0.99, "service"),
        ),
        (
            "Duration of a batch of events",
            "timeseries",
            "s",
            "{{service}}",
            slowest("docstore_event_handler_seconds", 0.99, "service"),
        ),
        (
            "Text extraction time per document",
            "timeseries",
            "s",
            "{{type}}",
            slowest("docstore_extraction_seconds", 0.9, "type", "15m"),
        ),
        (
            "Rendering time per preview",
            "timeseries",
            "s",
            "{{kind}}",
            slowest("docstore_media_rendering_seconds", 0.9, "kind", "15m"),
        ),
        (
            "Delivery time by channel",
            "timeseries",
            "s",
            "{{channel}}",
            slowest("docstore_notify_send_seconds", 0.99, "channel", "15m"),
        ),
    ],
    "Usage": [
        ("Documents", "timeseries", "short", "{{plan}}", "max by (plan) (docstore_documents)"),
        ("Bytes kept", "timeseries", "bytes", "{{plan}}", "max by (plan) (docstore_document_bytes)"),
        ("Uploads begun", "timeseries", "cpm", "{{method}}", a_minute("docstore_uploads_initiated_total", "method")),
        (
            "Bytes uploaded",
            "timeseries",
            "Bps",
            "{{method}}",
            "sum by (method) (rate(docstore_upload_bytes_total[5m]))",
        ),
        (
            "Uploads refused for lack of space",
            "timeseries",
            "cpm",
            "uploads",
            a_minute("docstore_quota_refused_total", ""),
        ),
        (
            "Messages sent",
            "timeseries",
            "cpm",
            "{{channel}}",
            a_minute('docstore_notify_deliveries_total{outcome="sent"}', "channel"),
        ),
    ],
}


def dashboard() -> dict[str, Any]:
    """As Grafana reads it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS.items():
        panels.append(
            {"type": "row", "title": title, "id": len(panels) + 1, "gridPos": _place(0, y, COLUMNS, 1), "panels": []}
        )
        y += 1
        for number, panel in enumerate(row):
            line, column = divmod(number * WIDTH, COLUMNS)
            panels.append(_panel(len(panels) + 1, panel, _place(column, y + line * HEIGHT, WIDTH, HEIGHT)))
        y += HEIGHT * -(-len(row) * WIDTH // COLUMNS)
    return {
        "uid": "docstore",
        "title": "DocStore",
        "schemaVersion": 39,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "15s",
        "panels": panels,
    }


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    title, kind, unit, legend, query = panel
    least = {} if query.startswith("slo:error_budget") else {"min": 0}  # a budget may be overdrawn
    return {
        "id": number,
        "type": kind,
        "title": title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, **least}, "overrides": []},
        "targets": [{"refId": "A", "datasource": SOURCE, "expr": query, "legendFormat": legend}],
    }


def text() -> str:
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")

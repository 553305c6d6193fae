"""Objects of Prometheus' operator and Grafana: what they name exists, and is what deploy/observability has."""

import json
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from chart import ROOT, SETS, by_service, of_kind, pod_templates, render

OBJECTS = render(*SETS["operators' objects"])
OBSERVABILITY = ROOT / "deploy" / "observability"


def test_there_are_none_by_default() -> None:
    """A cluster without the operators' definitions would refuse them."""
    assert not {each["kind"] for each in render()} & {"ServiceMonitor", "PrometheusRule", "HTTPRoute", "ExternalSecret"}


def test_a_service_monitor_finds_every_service() -> None:
    """By a Service without an address, whose port is the operators' port of the pods."""
    (monitor,) = of_kind(OBJECTS, "ServiceMonitor")
    service = by_service(OBJECTS, "Service")["metrics"]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,), (port,) = monitor["spec"]["endpoints"], service["spec"]["ports"]
    assert endpoint["port"] == port["name"]
    assert service["spec"]["clusterIP"] == "None"
    for deployment in of_kind(OBJECTS, "Deployment"):
        template = deployment["spec"]["template"]
        assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
        ports = {each["name"]: each["containerPort"] for each in template["spec"]["containers"][0]["ports"]}
        assert ports[port["targetPort"]] == 9000


def test_targets_have_the_labels_of_our_alerts() -> None:
    """The job's name, the service's, and the services' own label `service` unchanged."""
    (monitor,) = of_kind(OBJECTS, "ServiceMonitor")
    service = by_service(OBJECTS, "Service")["metrics"]
    scrape = yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text())["scrape_configs"][0]
    assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == scrape["job_name"]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["honorLabels"] is True
    assert [each["targetLabel"] for each in endpoint["relabelings"]] == ["service_name"]


def test_alerts_and_dashboard_are_ours() -> None:
    """As Prometheus and Grafana outside of Kubernetes get them."""
    (rule,) = of_kind(OBJECTS, "PrometheusRule")
    files = [yaml.safe_load((OBSERVABILITY / name).read_text()) for name in ("alerts.yml", "slo_rules.yml")]
    assert rule["spec"] == {"groups": [group for file in files for group in file["groups"]]}
    dashboards = by_service(OBJECTS, "ConfigMap")["dashboards"]
    assert dashboards["metadata"]["labels"]["grafana_dashboard"] == "1"
    ours = json.loads((OBSERVABILITY / "grafana" / "docstore.json").read_text())
    assert json.loads(dashboards["data"]["docstore.json"]) == ours


def test_pods_are_not_scraped_twice() -> None:
    """Without annotations where a ServiceMonitor names them."""
    for template in pod_templates(OBJECTS).values():
        assert "prometheus.io/scrape" not in template["metadata"].get("annotations", {})

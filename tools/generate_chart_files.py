"""Writes what the chart takes from elsewhere: `python tools/generate_chart_files.py`.

Its README from values.yaml and values.schema.json, the resources of services in the guide to Kubernetes, and copies of
the alerts and the dashboard, since a chart can only read its own folder.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from generated_blocks import with_blocks
from tables import cell, table

DEPLOY = Path(__file__).parents[1] / "deploy"
CHART = DEPLOY / "k8s" / "docstore"
GUIDE = DEPLOY / "k8s" / "README.md"
COPIES = {
    CHART / "files" / "alerts.yml": DEPLOY / "observability" / "alerts.yml",
    CHART / "files" / "slo_rules.yml": DEPLOY / "observability" / "slo_rules.yml",
    CHART / "files" / "dashboards" / "docstore.json": DEPLOY / "observability" / "grafana" / "docstore.json",
}
HEAD = """# Values of the DocStore chart

Written by `make generate` from [values.yaml](values.yaml) and [values.schema.json](values.schema.json).
[How to install](../README.md).

"""
OF_SERVICES = """
## Values of a service

Under `defaults` for all services, and under `services.<name>` for one, over the defaults.

"""

LEVELS = ("requests", "limits")
Node = dict[str, Any]


def generate() -> dict[Path, str]:
    """The text of each file."""
    copies = {target: source.read_text("utf-8") for target, source in COPIES.items()}
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    guide = with_blocks(GUIDE, {"resources": _resources(values)})
    return {CHART / "README.md": _readme(values), GUIDE: guide, **copies}


def _readme(values: Node) -> str:
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    own = {name: node for name, node in schema["properties"].items() if name not in ("defaults", "services", "global")}
    head = ("value", "default", "meaning")
    of_service = schema["$defs"]["service"]["properties"]
    return (
        HEAD
        + table(head, _rows(own, values))
        + OF_SERVICES
        + table(head, _rows(of_service, values["defaults"]))
        + _differences(values["services"])
    )


def _rows(properties: dict[str, Node], defaults: Node, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """A row for each value; a mapping whose keys are known has one for each key instead."""
    for name, node in properties.items():
        default = defaults.get(name)
        if "properties" in node and name != "resources":
            yield from _rows(node["properties"], default or {}, f"{prefix}{name}.")
        else:
            yield f"`{prefix}{name}`", _default(default), cell(node["description"])


def _default(value: Any) -> str:
    return "" if value in (None, "", {}, []) else f"`{json.dumps(value)}`".replace("|", "\\|")


def _differences(services: dict[str, Node | None]) -> str:
    """What services have otherwise by default."""
    changed = {name: own for name, own in services.items() if own}
    rows = [(f"`services.{name}`", _default(own)) for name, own in changed.items()]
    return "\n## Defaults of single services\n\n" + table(("service", "over the defaults"), rows)


def _resources(values: Node) -> str:
    """What each service requests and may use by default, and the sum of all their pods."""
    rows, pods, cores, memory = [], 0, 0, 0
    for name, own in values["services"].items():
        of = values["defaults"] | (own or {})
        requests, limits = ({**values["defaults"]["resources"][key], **of["resources"].get(key, {})} for key in LEVELS)
        scaling = of["autoscaling"]
        number = scaling.get("min", values["defaults"]["autoscaling"]["min"]) if scaling["enabled"] else of["replicas"]
        most = f" to {scaling.get('max', values['defaults']['autoscaling']['max'])}" if scaling["enabled"] else ""
        rows.append((name, f"{number}{most}", requests["cpu"], requests["memory"], limits["memory"]))
        pods += number
        cores += number * int(requests["cpu"].removesuffix("m"))
        memory += number * int(requests["memory"].removesuffix("Mi"))
    rows.append(("**all**", f"{pods}", f"{cores}m", f"{memory}Mi", ""))
    return table(("service", "pods", "CPU request", "memory request", "memory limit"), rows)


if __name__ == "__main__":
    for path, text in generate().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

"""A service that is added to the registry is in the chart."""

import sys
from pathlib import Path

import yaml
from toy_service import NAME, Project

sys.path.insert(0, str(Path(__file__).parent))
from chart import KUBERNETES, by_service, helm
from test_network import components


def test_a_new_service_is_rendered(tmp_path: Path) -> None:
    """Deployment, Service, network policies and a URL, from its folder and one line."""
    project = Project(tmp_path)
    project.add_toy()
    project.generate()
    chart = str(project.folder / "deploy/k8s/docstore")
    objects = tuple(yaml.safe_load_all(helm("template", "files", chart, "--kube-version", KUBERNETES)))
    assert by_service(objects, "Deployment")[NAME]["spec"]["replicas"] == 3
    assert by_service(objects, "ConfigMap")["settings"]["data"]["DOCSTORE_TOY_URL"] == "http://files-toy:8000"
    policies = by_service(objects, "NetworkPolicy")
    assert all(rule["from"] for policy in policies.values() for rule in policy["spec"]["ingress"])
    callers = (rule["from"] for rule in policies["accounts"]["spec"]["ingress"])
    assert NAME in {caller for peers in callers for caller in components(peers)}

"""A real apiserver accepts the chart: everything that any set of values renders, and the pods that come of it."""

import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from control_plane import ControlPlane, control_plane
from custom_resources import definitions

sys.path.insert(0, str(Path(__file__).parents[2] / "deploy/k8s/tests"))
from chart import SETS, Object, by_service, of_kind, pod_templates, render

pytestmark = pytest.mark.cluster

NAMESPACE = "docstore"
RESTRICTED = ("enforce", "warn")
PRIORITY = {
    "apiVersion": "scheduling.k8s.io/v1",
    "kind": "PriorityClass",
    "metadata": {"name": "important"},
    "value": 1,
}

OF_ITS_OWN_DEFAULT = "Warning: spec.SessionAffinity is ignored for headless services"
"""Kubernetes 1.34 warns of a field that it has set itself."""

sets = pytest.mark.parametrize("values", SETS.values(), ids=SETS)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An apiserver that knows all kinds, with a namespace of the restricted pod security standard."""
    # Nothing makes the service accounts that pods name.
    options = {"disable-admission-plugins": "ServiceAccount"}
    with control_plane(tmp_path_factory.mktemp("control-plane"), more=options) as plane:
        for path in definitions():
            plane.must("create", "--filename", str(path))
        plane.must("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        plane.must("create", "namespace", NAMESPACE)
        labels = (f"pod-security.kubernetes.io/{mode}=restricted" for mode in RESTRICTED)
        plane.must("label", "namespace", NAMESPACE, *labels)
        plane.must("create", "--filename=-", text=yaml.safe_dump(PRIORITY))
        yield plane


def try_out(cluster: ControlPlane, objects: list[Object]) -> tuple[int, str]:
    """How many objects the server accepts in a dry run with strict validation, and its errors and warnings."""
    done = cluster.kubectl(
        "create", "--dry-run=server", "--validate=strict", "--output=name", "--filename=-",
        text=yaml.safe_dump_all(objects),
    )  # fmt: skip
    warnings = (line for line in done.errors.splitlines() if line != OF_ITS_OWN_DEFAULT)
    return len(done.output.splitlines()), "\n".join(warnings)


@sets
def test_every_object_is_accepted(cluster: ControlPlane, values: tuple[str, ...]) -> None:
    """Without an unknown field, a wrong value, a deprecated version or a violation of the pod security standard."""
    objects = list(render(*values))
    assert try_out(cluster, objects) == (len(objects), "")


@sets
def test_every_pod_is_admitted(cluster: ControlPlane, values: tuple[str, ...]) -> None:
    """The namespace enforces the restricted standard on pods themselves, which nothing makes in a dry run."""
    pods = []
    for name, template in pod_templates(render(*values)).items():
        metadata = {**template["metadata"], "name": name, "namespace": NAMESPACE}
        pods.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
    assert try_out(cluster, pods) == (len(pods), "")


def test_the_server_does_refuse(cluster: ControlPlane) -> None:
    """A misspelt field, a port that is none, a wrong field of an operator's kind and a pod with rights are refused."""
    objects = render(*SETS["operators' objects"])
    misspelt = {**deepcopy(by_service(objects, "Deployment")["quota"]), "spek": {}}
    service = deepcopy(by_service(objects, "Service")["quota"])
    service["spec"]["ports"][0]["port"] = 99999
    route = deepcopy(of_kind(objects, "HTTPRoute")[0])
    route["spec"]["rules"][0]["timeouts"]["request"] = "forever"
    pod = deepcopy(of_kind(objects, "Pod")[0])
    pod["spec"]["hostNetwork"] = True
    reasons = ("spek", "99999", "timeouts.request", "restricted")
    for wrong, why in zip((misspelt, service, route, pod), reasons, strict=True):
        accepted, errors = try_out(cluster, [wrong])
        assert accepted == 0
        assert why in errors

"""The chart renders, and what comes out is what Kubernetes takes."""

import json
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from docstore_platform.services import SERVICE_NAMES

sys.path.insert(0, str(Path(__file__).parent))
from chart import CHART, EXAMPLES, KUBERNETES, SETS, Object, Refused, by_service, helm, of_kind, render

NOT_KUBERNETES_OWN = {"ScaledObject", "ServiceMonitor", "PrometheusRule", "HTTPRoute", "ExternalSecret"}
"""Kinds of others, which have no schema there: each has a test of its own, and `make cluster-test` more."""

sets = pytest.mark.parametrize("values", SETS.values(), ids=SETS)


@sets
def test_helm_finds_nothing_to_complain_of(values: tuple[str, ...]) -> None:
    """`helm lint`, with warnings as errors."""
    helm("lint", "--strict", "--kube-version", KUBERNETES, str(CHART), *values)


@sets
def test_every_object_is_one_that_kubernetes_knows(values: tuple[str, ...]) -> None:
    """Against the published schemas: no misspelt field, no wrong type, nothing required left out."""
    for each in render(*values):
        if each["kind"] not in NOT_KUBERNETES_OWN:
            kubernetes_validate.validate(each, KUBERNETES.rpartition(".")[0], strict=True)


def test_kubernetes_schemas_do_refuse() -> None:
    """The test above would notice."""
    service = dict(by_service(render(), "Service")["quota"])
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**service, "spek": {}}, "1.31", strict=True)


@sets
def test_objects_have_names_of_their_own(values: tuple[str, ...]) -> None:
    """Two of a kind with one name would overwrite each other; all are in the release's namespace."""
    objects = render(*values)
    names = [(each["kind"], each["metadata"]["name"]) for each in objects]
    assert len(names) == len(set(names))
    assert {each["metadata"]["namespace"] for each in objects} == {"docstore"}


def test_the_longest_release_name_fits() -> None:
    """Helm allows 53 letters, Kubernetes 63 with all that the chart adds, 52 for a CronJob; a dot is none of theirs."""
    for each in render(*SETS["backed up"], release="r." + "x" * 51):
        name = each["metadata"]["name"]
        assert len(name) <= (52 if each["kind"] == "CronJob" else 63), name
        assert "." not in name


@sets
def test_every_service_is_there(values: tuple[str, ...]) -> None:
    """A service that is added to the code is missing here until the chart has it."""
    objects = render(*values)
    for kind in ("Deployment", "Service", "ServiceAccount"):
        assert set(by_service(objects, kind)) - {"backup", "metrics"} == set(SERVICE_NAMES)


def test_scaled_objects_are_as_keda_takes_them() -> None:
    """Kinds of KEDA have no published schema here: their structure by its documentation."""
    objects = render(*SETS["scaled by lag"])
    scaled = by_service(objects, "ScaledObject")
    deployments = {each["metadata"]["name"] for each in of_kind(objects, "Deployment")}
    assert set(scaled) == {"accounts", "metadata", "quota", "notify"}
    for service, each in scaled.items():
        _check_scaled_object(each, deployments, group=service)
    assert [trigger["type"] for trigger in scaled["metadata"]["spec"]["triggers"]] == ["kafka", "cpu"]
    assert "metadata" not in by_service(objects, "HorizontalPodAutoscaler")


def _check_scaled_object(each: Object, deployments: set[str], group: str) -> None:
    assert each["apiVersion"] == "keda.sh/v1alpha1"
    spec = each["spec"]
    assert set(spec) == {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "triggers"}
    assert spec["scaleTargetRef"]["name"] in deployments
    assert 1 <= spec["minReplicaCount"] <= spec["maxReplicaCount"]
    for trigger in spec["triggers"]:
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
        if trigger["type"] == "kafka":
            assert trigger["metadata"]["consumerGroup"] == group
            assert trigger["metadata"]["bootstrapServers"]
            assert int(trigger["metadata"]["lagThreshold"]) > 0


REFUSED = {
    "unknown value": ("surprise=1", "surprise"),
    "unknown setting of a service": ("services.quota.replica=3", "replica"),
    "unknown service": ("services.previews.replicas=1", "previews"),
    "a number in env": ("services.quota.env.QUOTA_FREE_BYTES=5368709120", "want string"),
    "two instances on one volume": ("services.indexer.replicas=2", "belongs to one process"),
    "scaling by lag beyond the partitions": (
        "services.quota.kedaLag.enabled=true,services.quota.kedaLag.max=13",
        "kafka.partitions",
    ),
    "scaled by lag without a group": ("services.upload.kedaLag.enabled=true", "no unread events"),
    "SASL without a provisioner": ("kafka.securityProtocol=SASL_SSL", "secrets.provision"),
    "fewest above most": (
        "services.quota.autoscaling.enabled=true,services.quota.autoscaling.min=5,services.quota.autoscaling.max=3",
        "min is above max",
    ),
    "an address with a path": ("publicUrl=https://files.example.org/", "publicUrl"),
    "backups in a folder": ("backup.target=/mnt/backups", "backup.target"),
    "a schedule that is none": ("backup.schedule=daily", "backup.schedule"),
    "no place for the service's name": ("secrets.perService=docstore", "perService"),
}


@pytest.mark.parametrize(("change", "why"), REFUSED.values(), ids=REFUSED)
def test_impossible_values_are_refused_with_a_reason(change: str, why: str) -> None:
    """At `helm install`, not by pods that never become ready."""
    with pytest.raises(Refused, match=why):
        render("--set", change)


def test_every_value_is_described_and_known() -> None:
    """The schema has a description for each value, has no more values than the chart, and leaves none open."""
    schema = json.loads((CHART / "values.schema.json").read_text())

    def check(node: Object, name: str) -> None:
        for key, value in node.get("properties", {}).items():
            if "$ref" in value:
                continue
            if name not in ("resources", "requests", "limits"):  # as Kubernetes describes them
                assert value.get("description"), f"{name}.{key}"
            check(value, key)
        if node.get("properties"):
            assert node["additionalProperties"] is False, name

    check(schema, "values")
    check(schema["$defs"]["service"], "service")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_repeat_no_default(path: Path) -> None:
    """An example shows what one has to decide."""
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    example = yaml.safe_load(path.read_text())
    for key, value in example.items():
        if key not in ("region", "publicUrl"):  # whoever copies it has to see these
            assert defaults[key] != value, key

"""What operators add to pods, and where pods run."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from chart import SETS, Refused, by_service, of_kind, pod_templates, pods, render

EXTENDED = render(*SETS["extended"])
QUOTA = pods(EXTENDED)["quota"]


def test_everything_that_runs_is_placed_by_the_defaults() -> None:
    """Jobs and test pods too: a cluster whose nodes are all tainted would never run them."""
    for name, pod in pods(EXTENDED).items():
        assert pod["priorityClassName"] == "important", name
        assert pod["nodeSelector"] == {"pool": "docstore"}, name
        assert pod["tolerations"] == [{"key": "docstore", "operator": "Exists"}], name
        assert "nodeAffinity" in pod["affinity"], name


def test_pods_are_spread_as_the_values_say() -> None:
    """Constraints replace the chart's, and count the service's own pods; other services keep the chart's."""
    (constraint,) = QUOTA["topologySpreadConstraints"]
    assert constraint["maxSkew"] == 2
    deployment = by_service(EXTENDED, "Deployment")["quota"]
    assert constraint["labelSelector"] == deployment["spec"]["selector"]
    keys = [each["topologyKey"] for each in pods(EXTENDED)["notify"]["topologySpreadConstraints"]]
    assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]


def test_a_service_gets_its_extra_variables_and_volumes_and_no_other_does() -> None:
    """After the chart's own, which they may override."""
    (container,) = QUOTA["containers"]
    assert container["env"][-1]["valueFrom"] == {"configMapKeyRef": {"name": "more", "key": "collector"}}
    assert container["envFrom"][-1] == {"configMapRef": {"name": "more"}}
    assert container["volumeMounts"][-1]["mountPath"] == "/etc/more"
    assert QUOTA["volumes"][-1] == {"name": "more", "configMap": {"name": "more"}}
    assert all("more" not in str(pod["volumes"]) for name, pod in pods(EXTENDED).items() if name != "quota")


def test_labels_and_annotations_of_pods_and_of_everything() -> None:
    """Pods have their own and the common ones; selectors stay as they are."""
    for deployment in of_kind(EXTENDED, "Deployment"):
        metadata = deployment["spec"]["template"]["metadata"]
        assert metadata["labels"]["tier"] == "backend"
        assert metadata["annotations"]["sidecar.example.org/inject"] == "true"
        assert "tier" not in deployment["spec"]["selector"]["matchLabels"]
    for each in (common := render(*SETS["operators' objects"])):
        assert each["metadata"]["labels"]["team"] == "files", each["kind"]
        assert each["metadata"]["annotations"]["contact"] == "ops", each["kind"]
    assert all(template["metadata"]["labels"]["team"] == "files" for template in pod_templates(common).values())


@pytest.mark.parametrize("value", ["commonLabels", "defaults.podLabels", "telemetry.serviceMonitor.labels"])
def test_labels_that_select_pods_are_the_charts(value: str) -> None:
    """One of them changed would leave a Deployment without its pods."""
    with pytest.raises(Refused, match=r"app\.kubernetes\.io"):
        render("--set", f"{value}.app\\.kubernetes\\.io/name=other")


def test_the_indexers_volume_can_stay_and_be_taken_up_again() -> None:
    """`keep` leaves it after `helm uninstall`; `existingClaim` mounts one that is there and makes none."""
    (claim,) = of_kind(EXTENDED, "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert "annotations" not in of_kind(render(), "PersistentVolumeClaim")[0]["metadata"]
    reused = render("--set", "services.indexer.storage.existingClaim=index")
    assert not of_kind(reused, "PersistentVolumeClaim")
    volumes = {volume["name"]: volume for volume in pods(reused)["indexer"]["volumes"]}
    assert volumes["data"]["persistentVolumeClaim"] == {"claimName": "index"}
    assert by_service(reused, "Deployment")["indexer"]["spec"]["strategy"] == {"type": "Recreate"}

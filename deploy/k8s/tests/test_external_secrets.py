"""ExternalSecrets: one for each secret that the pods name, there in time."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from chart import SETS, Object, Refused, of_kind, pods, render

OBJECTS = render(*SETS["operators' objects"])
MADE = {each["spec"]["target"]["name"]: each for each in of_kind(OBJECTS, "ExternalSecret")}


def named(pod: Object) -> set[str]:
    """The secrets without which it does not start."""
    sources = [source["secretRef"] for source in pod["containers"][0].get("envFrom", []) if "secretRef" in source]
    return {source["name"] for source in sources if not source.get("optional")}


def test_every_secret_that_pods_name_is_made() -> None:
    """And no other: neither the optional one nor one that exists already (`existingSecret`)."""
    assert MADE.keys() == set().union(*map(named, pods(OBJECTS).values())) - {"own-quota"}
    assert {"docstore", "docstore-accounts", "docstore-backup", "docstore-provision"} <= MADE.keys()
    assert "own-quota" in named(pods(OBJECTS)["quota"])


def test_each_is_read_from_the_store_under_its_key() -> None:
    """All properties of one entry become the keys of one secret."""
    for name, each in MADE.items():
        assert each["apiVersion"] == "external-secrets.io/v1"
        assert each["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault"}
        assert each["spec"]["dataFrom"] == [{"extract": {"key": f"prod/{name}"}}]


def test_the_topics_job_finds_its_secrets() -> None:
    """They are made before it, and stay while their objects are made again at an upgrade."""
    (job,) = of_kind(OBJECTS, "Job")
    weight = int(job["metadata"]["annotations"]["helm.sh/hook-weight"])
    for name, each in MADE.items():
        annotations = each["metadata"]["annotations"]
        if name in named(job["spec"]["template"]["spec"]):
            assert annotations["helm.sh/hook"] == job["metadata"]["annotations"]["helm.sh/hook"]
            assert int(annotations["helm.sh/hook-weight"]) < weight
            assert each["spec"]["target"]["creationPolicy"] == "Orphan"
        else:
            assert "helm.sh/hook" not in annotations


def test_the_shared_keys_of_the_object_store_on_demand() -> None:
    """Where services have no keys or roles of their own."""
    store = ("--set", "externalSecrets.enabled=true,externalSecrets.store.name=vault,externalSecrets.objectStore=true")
    names = {each["metadata"]["name"] for each in of_kind(render(*store), "ExternalSecret")}
    assert "docstore-s3" in names
    assert "docstore-s3" not in MADE


def test_a_store_has_to_be_named() -> None:
    """Helm refuses, rather than objects that never become ready."""
    with pytest.raises(Refused, match=r"externalSecrets\.store\.name"):
        render("--set", "externalSecrets.enabled=true")

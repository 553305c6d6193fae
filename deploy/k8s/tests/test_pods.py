"""What runs is shut in, bounded, and stops without dropping what it does."""

import sys
from pathlib import Path

import pytest
from source_reading import reaches_object_store, uses_object_store

from docstore_platform.service.app import health_router
from docstore_platform.service.serve import GRACE_SECONDS
from docstore_platform.services import SERVICE_NAMES

sys.path.insert(0, str(Path(__file__).parent))
from chart import SETS, Refused, by_service, of_kind, pods, render

sets = pytest.mark.parametrize("values", SETS.values(), ids=SETS)


@sets
def test_no_pod_can_talk_to_the_cluster(values: tuple[str, ...]) -> None:
    """No token of a service account is in any of them; a role at a cloud's has a token of its own."""
    objects = render(*values)
    assert all(pod["automountServiceAccountToken"] is False for pod in pods(objects).values())
    assert all(each["automountServiceAccountToken"] is False for each in of_kind(objects, "ServiceAccount"))
    assert not {each["kind"] for each in objects} & {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}


@sets
def test_containers_have_no_rights(values: tuple[str, ...]) -> None:
    """Not root, no capabilities, a root file system that is only read: the restricted pod security standard."""
    for pod in pods(render(*values)).values():
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] >= 10_000
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for container in pod["containers"]:
            inner = container["securityContext"]
            assert inner["readOnlyRootFilesystem"] is True
            assert inner["allowPrivilegeEscalation"] is False
            assert inner["capabilities"] == {"drop": ["ALL"]}
        assert not any("hostPath" in volume for volume in pod["volumes"])


@sets
def test_every_container_is_bounded(values: tuple[str, ...]) -> None:
    """Memory and temporary files end where the limit is, on every node."""
    for pod in pods(render(*values)).values():
        for container in pod["containers"]:
            resources = container["resources"]
            assert {"memory", "ephemeral-storage"} <= set(resources["limits"])
            assert {"cpu", "memory", "ephemeral-storage"} <= set(resources["requests"])
        assert all("sizeLimit" in volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume)


@sets
def test_the_grace_period_has_room_for_the_gap_and_the_drain(values: tuple[str, ...]) -> None:
    """A pod that is killed while it answers is a failed request."""
    for deployment in of_kind(render(*values), "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        (gap,) = (each["value"] for each in container["env"] if each["name"] == "READINESS_GAP_SECONDS")
        assert pod["terminationGracePeriodSeconds"] >= int(gap) + GRACE_SECONDS + 15


def test_a_grace_period_below_that_is_refused() -> None:
    """The chart's drain is the server's."""
    enough = 5 + GRACE_SECONDS + 15
    render("--set", f"terminationGraceSeconds={enough}")
    with pytest.raises(Refused, match="at least"):
        render("--set", f"terminationGraceSeconds={enough - 1}")


@sets
def test_probes_ask_what_the_services_answer(values: tuple[str, ...]) -> None:
    """And the gateway's readiness is its own: while another service restarts, the API stays."""
    routes = {route.path for route in health_router({}).routes}  # type: ignore[attr-defined]
    for service, deployment in by_service(render(*values), "Deployment").items():
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["path"] in routes
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        ready = container["readinessProbe"]["httpGet"]["path"]
        assert ready == ("/healthz" if service == "gateway" else "/readyz")


def test_slow_nodes_are_given_time() -> None:
    """Two minutes to start by default, or what the values say: a pod that is killed while it starts never responds."""
    for values, seconds in (((), 120), (("--set", "startupSeconds=900"), 900)):
        for deployment in of_kind(render(*values), "Deployment"):
            (container,) = deployment["spec"]["template"]["spec"]["containers"]
            probe = container["startupProbe"]
            assert probe["periodSeconds"] * probe["failureThreshold"] == seconds


@sets
def test_upgrades_never_have_fewer_pods(values: tuple[str, ...]) -> None:
    """A new pod is ready before an old one goes; only who owns a volume has to release it first."""
    objects = render(*values)
    owners = set(by_service(objects, "PersistentVolumeClaim"))
    assert owners <= {"indexer"}
    for service, deployment in by_service(objects, "Deployment").items():
        strategy = deployment["spec"]["strategy"]
        if service in owners:
            assert strategy == {"type": "Recreate"}
            assert deployment["spec"]["replicas"] == 1
        else:
            assert strategy["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


@sets
def test_a_drained_node_takes_one_pod_of_a_service_at_a_time(values: tuple[str, ...]) -> None:
    """A budget for each service but the volume's owner, whose one pod it would only hold up."""
    objects = render(*values)
    budgets = by_service(objects, "PodDisruptionBudget")
    assert set(budgets) == set(by_service(objects, "Deployment")) - set(by_service(objects, "PersistentVolumeClaim"))
    for service, budget in budgets.items():
        assert budget["spec"]["maxUnavailable"] == 1
        selector = by_service(objects, "Deployment")[service]["spec"]["selector"]
        assert budget["spec"]["selector"] == selector


@sets
def test_selectors_survive_upgrades(values: tuple[str, ...]) -> None:
    """A Deployment's selector can't be changed: it has no version in it, and its pods carry it."""
    for deployment in of_kind(render(*values), "Deployment"):
        wanted = deployment["spec"]["selector"]["matchLabels"]
        assert not any("version" in name or "chart" in name for name in wanted)
        assert wanted.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


@sets
def test_one_thing_decides_how_many_pods_there_are(values: tuple[str, ...]) -> None:
    """Where something scales a service, an upgrade does not set it back to a number."""
    objects = render(*values)
    scaled = {*by_service(objects, "HorizontalPodAutoscaler"), *by_service(objects, "ScaledObject")}
    assert not by_service(objects, "HorizontalPodAutoscaler").keys() & by_service(objects, "ScaledObject").keys()
    for service, deployment in by_service(objects, "Deployment").items():
        assert ("replicas" in deployment["spec"]) is (service not in scaled)


@sets
def test_changed_settings_restart_the_pods(values: tuple[str, ...]) -> None:
    """A ConfigMap that changes reaches no running process."""
    before, after = render(*values), render(*values, "--set", "logLevel=DEBUG")
    for old, new in zip(of_kind(before, "Deployment"), of_kind(after, "Deployment"), strict=True):
        checksums = [each["spec"]["template"]["metadata"]["annotations"]["checksum/settings"] for each in (old, new)]
        assert checksums[0] != checksums[1]


@sets
def test_the_topics_job_needs_nothing_of_the_release(values: tuple[str, ...]) -> None:
    """Hooks run before the release's objects are there: what it uses are secrets that are kept outside of it."""
    for job in of_kind(render(*values), "Job"):
        pod = job["spec"]["template"]["spec"]
        assert "serviceAccountName" not in pod
        assert all("configMapRef" not in source for source in pod["containers"][0]["envFrom"])
        assert "pre-install" in job["metadata"]["annotations"]["helm.sh/hook"]


@sets
def test_mounted_authorities_are_volumes(values: tuple[str, ...]) -> None:
    """Each mount has its volume, and settings name files that are mounted."""
    for pod in pods(render(*values)).values():
        (container,) = pod["containers"]
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
        paths = [mount["mountPath"] for mount in container["volumeMounts"]]
        for variable in container.get("env", []):
            if variable.get("value", "").startswith("/etc/docstore/ca/"):
                assert str(Path(variable["value"]).parent) in paths


def test_whoever_connects_to_s3_trusts_its_authority() -> None:
    """The gateway too, by signed URLs; its boto3, which is for AWS, goes on to trust the public authorities."""
    running = pods(render("--set", "certificateAuthorities.objectStore=own"))
    for service in SERVICE_NAMES:
        names = {variable["name"] for variable in running[service]["containers"][0]["env"]}
        assert ("SSL_CERT_FILE" in names) is reaches_object_store(service)
        assert ("AWS_CA_BUNDLE" in names) is uses_object_store(service)

"""The chart, installed in the cluster of one node, with the secrets of its README."""

import os
import shutil
import string
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster_node import THEIRS, import_images
from control_plane import ControlPlane, NotRun, program

from docstore_platform.services import SERVICE_NAMES
from docstore_standalone.compose_files import POLICIES, write_compose_files
from docstore_standalone.service_secrets import write_service_files

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "tests" / "cluster"
CHART = ROOT / "deploy" / "k8s" / "docstore"
RELEASE = "files"
NAMESPACE, SERVERS = "docstore", "data"
ADMIN, ADMIN_PASSWORD = "admin@example.org", "a password for tests alone"
TAG = os.environ.get("CLUSTER_TAG", "latest")
"""Of the images to install, of which missing ones are built."""
IMAGES = {
    "MONGO_IMAGE": os.environ.get("MONGO_IMAGE", "mongo:6.0"),
    "KAFKA_IMAGE": os.environ.get("KAFKA_IMAGE", "apache/kafka:4.1.0"),
    "SEAWEEDFS_IMAGE": os.environ.get("SEAWEEDFS_IMAGE", "chrislusf/seaweedfs:latest"),
    "DOCSTORE_IMAGE": f"docstore-accounts:{TAG}",
}
PATIENCE = "20m"
"""For what takes a minute on an idle machine."""


@dataclass(frozen=True)
class Installed:
    """A release, and where it is reached from this machine."""

    cluster: ControlPlane
    gateway: str = f"http://{THEIRS}:30080"

    def helm(self, *arguments: str) -> str:
        """Run Helm in the release's namespace; AssertionError if it fails."""
        helm = os.environ.get("HELM") or program("helm")
        command = [helm, "--kubeconfig", str(self.cluster.kubeconfig), "--namespace", NAMESPACE, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr + self.state()
        return done.stdout

    def upgrade(self, *values: str) -> None:
        """Install or upgrade the release, and return when all pods are ready."""
        sets = ("--values", str(CLUSTER / "values.yaml"), "--set", f"image.tag={TAG}", *values)
        self.helm("upgrade", "--install", RELEASE, str(CHART), *sets, "--wait", "--timeout", PATIENCE)

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the release's namespace."""
        return self.cluster.must("--namespace", NAMESPACE, *arguments)

    def state(self) -> str:
        """Pods and the newest events, for a message of failure."""
        pods = self.cluster.kubectl("get", "pods", "--all-namespaces", "--output=wide").output
        events = self.cluster.kubectl("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp").output
        return f"\n{pods}\n" + "\n".join(events.splitlines()[-40:])


@contextmanager
def installed_chart(cluster: ControlPlane, folder: Path) -> Iterator[Installed]:
    """Install servers and chart; the cluster's end is theirs. NotRun without the servers' images."""
    _provide_images()
    release = Installed(cluster)
    for name in (SERVERS, NAMESPACE):
        cluster.must("create", "namespace", name)
    cluster.must("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    index = folder / "index"
    index.mkdir()
    shutil.chown(index, 10001, 10001)
    _create_secrets(cluster, folder)
    _apply(cluster, SERVERS, "servers.yaml", IMAGES)
    _apply(cluster, NAMESPACE, "way-in.yaml", {"INDEX": str(index)})
    ready = ("--namespace", SERVERS, "wait", f"--timeout={PATIENCE}")
    cluster.must(*ready, "--for=condition=Available", "deployment", "--all")
    cluster.must(*ready, "--for=condition=Complete", "job/replica-set")
    release.upgrade()
    yield release


def _provide_images() -> None:
    names = [*IMAGES.values(), *(f"docstore-{service}:{TAG}" for service in SERVICE_NAMES)]
    for name in dict.fromkeys(names):
        there = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False)
        if there.returncode == 0:
            continue
        if not name.startswith("docstore-"):
            raise NotRun(f"Docker has no image {name}")
        service = name.removeprefix("docstore-").partition(":")[0]
        build = ["docker", "build", "--quiet", "--network=host", "--build-arg", f"SERVICE={service}", "--tag", name]
        subprocess.run([*build, str(ROOT)], check=True)
    import_images(*dict.fromkeys(names))


def _apply(cluster: ControlPlane, namespace: str, file: str, values: dict[str, str]) -> None:
    text = string.Template((CLUSTER / file).read_text()).substitute(values)
    cluster.must("--namespace", namespace, "apply", "--filename=-", text=text)


def _create_secrets(cluster: ControlPlane, folder: Path) -> None:
    """As deploy/k8s/README.md has it, with the object store's users of the containers."""
    project, keys = folder / "project", folder / "keys"
    shutil.copytree(ROOT / POLICIES, project / POLICIES)
    write_compose_files(project)
    write_service_files(keys)
    state = project / "deploy" / "compose" / "state"
    files = [f"--from-file={state / name}" for name in ("s3.json", "iam.json", "security.toml", "grpc.crt", "grpc.key")]
    cluster.must("--namespace", SERVERS, "create", "secret", "generic", "object-store", *files)
    lines = (project / ".env").read_text().splitlines()
    made = dict(line.split("=", 1) for line in lines if "=" in line)
    _secret(cluster, "docstore", keys / "shared.env")
    for service in SERVICE_NAMES:
        own = {"DOCSTORE_MONGO_URL": f"mongodb://mongo.data:27017/docstore_{service}?replicaSet=rs0"}
        if key := made.get(f"S3_{service.upper()}_ACCESS_KEY_ID"):
            own["DOCSTORE_S3_ACCESS_KEY_ID"] = key
            own["DOCSTORE_S3_SECRET_ACCESS_KEY"] = made[f"S3_{service.upper()}_SECRET_ACCESS_KEY"]
        if service == "accounts":
            own["ACCOUNTS_FIRST_ADMIN_PASSWORD"] = ADMIN_PASSWORD
        file = keys / f"{service}.env"
        file.write_text(file.read_text() + "".join(f"{name}={value}\n" for name, value in own.items()))
        _secret(cluster, f"docstore-{service}", file)


def _secret(cluster: ControlPlane, name: str, file: Path) -> None:
    cluster.must("--namespace", NAMESPACE, "create", "secret", "generic", name, f"--from-env-file={file}")

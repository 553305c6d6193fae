"""The chart, installed in a cluster with servers of its own and the secrets of its README."""

import json
import os
import shutil
import string
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from cluster import Cluster
from control_plane import NotRun, program

from docstore_platform.services import SERVICE_NAMES
from docstore_standalone.compose_files import POLICIES, write_compose_files
from docstore_standalone.compose_files import REGION as SHIPPED_REGION
from docstore_standalone.service_secrets import write_service_files

ROOT = Path(__file__).parents[2]
FILES = ROOT / "tests" / "cluster"
CHART = ROOT / "deploy" / "k8s" / "docstore"
RELEASE = "files"
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
STORE_KEYS = ("DOCSTORE_S3_ACCESS_KEY_ID", "DOCSTORE_S3_SECRET_ACCESS_KEY")

CERTIFICATES = "certificates"
MONGO_TLS = (
    f"--tlsMode, allowTLS, --tlsCertificateKeyFile, /{CERTIFICATES}/server.pem, "
    f"--tlsCAFile, /{CERTIFICATES}/ca.crt, --tlsAllowConnectionsWithoutCertificates"
)
"""Arguments of a mongod; other members and this cluster's set-up go on without TLS."""
WAIT = ("--wait", "--timeout", PATIENCE)

Variables = dict[str, str]


@dataclass(frozen=True)
class Place:
    """Where a release and its servers are. Ports are those of the first node."""

    namespace: str
    servers: str
    gateway_port: int
    store_port: int
    region: str = "us-west-2"
    members: int = 1
    """Of MongoDB's replica set and of Kafka."""
    replicas: int = 1
    """Of each service, but for the indexer."""
    encrypted: bool = False
    """Whether services reach MongoDB by TLS; its certificate is in the release's folder, under CERTIFICATES."""

    @property
    def kafka(self) -> str:
        return ",".join(f"kafka-{number}.{self.servers}:9092" for number in self.numbers)

    @property
    def voters(self) -> str:
        """Kafka's controllers, as it names them."""
        return ",".join(f"{number}@kafka-{number}.{self.servers}:9093" for number in self.numbers)

    @property
    def store(self) -> str:
        """The object store as pods reach it."""
        return f"http://object-store.{self.servers}:8333"

    def mongo(self, database: str) -> str:
        members = ",".join(f"{host}:27017" for host in self.mongo_hosts)
        tls = "&tls=true&tlsCAFile=/etc/docstore/ca/mongo/ca.crt" if self.encrypted else ""
        return f"mongodb://{members}/{database}?replicaSet=rs0{tls}"

    @property
    def mongo_hosts(self) -> list[str]:
        return [f"mongo-{number}.{self.servers}" for number in self.numbers]

    @property
    def numbers(self) -> range:
        """Of the members."""
        return range(1, self.members + 1)


@dataclass(frozen=True)
class Installed:
    """A release, and where it is reached from this machine."""

    cluster: Cluster
    place: Place
    folder: Path
    """Its servers' data, and what is made for it."""
    secrets: dict[str, Variables] = field(default_factory=dict)
    """By their names."""

    @property
    def gateway(self) -> str:
        return f"http://{self.cluster.address}:{self.place.gateway_port}"

    def helm(self, *arguments: str) -> str:
        """Run Helm in the release's namespace; AssertionError if it fails."""
        helm = os.environ.get("HELM") or program("helm")
        kubeconfig = str(self.cluster.plane.kubeconfig)
        command = [helm, "--kubeconfig", kubeconfig, "--namespace", self.place.namespace, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr + self.state()
        return done.stdout

    def upgrade(self, *sets: str, chart: Path = CHART, tag: str = TAG) -> None:
        """Install or upgrade the release, and return when all pods are ready."""
        values = self.folder / "values.json"
        values.write_text(json.dumps(self._values(tag, chart)))
        self.helm("upgrade", "--install", RELEASE, str(chart), "--values", str(values), *sets, *WAIT)

    def kubectl(self, *arguments: str, text: str = "") -> str:
        """Run kubectl in the release's namespace."""
        return self.cluster.plane.must("--namespace", self.place.namespace, *arguments, text=text)

    def restart(self) -> None:
        """Replace all pods, which read changed secrets at their start; return when all are ready."""
        ours = f"--selector=app.kubernetes.io/instance={RELEASE}"
        self.kubectl("rollout", "restart", "deployment", ours)
        self.rolled_out()

    def rolled_out(self) -> None:
        """Return when no pod is being replaced any more."""
        for service in SERVICE_NAMES:
            self.kubectl("rollout", "status", f"deployment/{RELEASE}-{service}", f"--timeout={PATIENCE}")

    def write_secret(self, name: str, variables: Mapping[str, str]) -> None:
        """Create or replace a secret."""
        self.secrets[name] = dict(variables)
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": self.secrets[name]}
        self.kubectl("apply", "--filename=-", text=json.dumps(secret))

    def state(self) -> str:
        """Pods and the newest events, for a message of failure."""
        plane = self.cluster.plane
        pods = plane.kubectl("get", "pods", "--all-namespaces", "--output=wide").output
        events = plane.kubectl("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp").output
        return f"\n{pods}\n" + "\n".join(events.splitlines()[-40:])

    def _values(self, tag: str, chart: Path) -> dict[str, Any]:
        """Those of values.yaml and of the place, as far as the chart knows them: it refuses others."""
        place = self.place
        values: dict[str, Any] = yaml.safe_load((FILES / "values.yaml").read_text())
        values["image"] |= {"tag": tag}
        values["kafka"] |= {"bootstrap": place.kafka, "replication": place.members}
        public = f"http://{self.cluster.address}:{place.store_port}"
        values["objectStore"] |= {"endpoint": place.store, "publicEndpoint": public}
        values["defaults"] |= {"replicas": place.replicas}
        values |= {"region": place.region, "publicUrl": self.gateway}
        known = yaml.safe_load((chart / "values.yaml").read_text())
        values["objectStore"] = {
            name: value for name, value in values["objectStore"].items() if name in known["objectStore"]
        }
        return {name: value for name, value in values.items() if name in known}


def provide_images(cluster: Cluster) -> None:
    """Copy all images into the nodes; build those of services that are missing. NotRun without the servers' images."""
    for name in IMAGES.values():
        if not name.startswith("docstore-") and not _is_there(name):
            raise NotRun(f"Docker has no image {name}")
    services = provide_service_images(ROOT, TAG, (*SERVICE_NAMES, "cli"))
    cluster.import_images(*dict.fromkeys((*IMAGES.values(), *services)))


def provide_service_images(sources: Path, tag: str, services: Iterable[str]) -> list[str]:
    """The names of images of services, of which missing ones are built."""
    names = []
    for service in services:
        names.append(name := f"docstore-{service}:{tag}")
        if not _is_there(name):
            build = ["docker", "build", "--quiet", "--network=host", "--build-arg", f"SERVICE={service}", "--tag", name]
            subprocess.run([*build, str(sources)], check=True)
    return names


def _is_there(image: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


@contextmanager
def prepared_release(cluster: Cluster, place: Place, folder: Path) -> Iterator[Installed]:
    """Namespaces, running servers and secrets for a release. All of it is removed when the block ends."""
    release = Installed(cluster, place, folder)
    plane = cluster.plane
    for name in (place.servers, place.namespace):
        plane.must("create", "namespace", name)
    try:
        plane.must("label", "namespace", place.namespace, "pod-security.kubernetes.io/enforce=restricted")
        index = folder / "index"
        index.mkdir()
        shutil.chown(index, 10001, 10001)
        _create_secrets(release)
        _start_servers(release)
        yield release
    finally:
        gone = ("--ignore-not-found", f"--timeout={PATIENCE}")
        plane.must("delete", "namespace", place.namespace, place.servers, *gone)
        plane.must("delete", "persistentvolume", f"index-{place.namespace}", *gone)


def _start_servers(release: Installed) -> None:
    place, plane = release.place, release.cluster.plane
    values = {
        **IMAGES,
        "DATA": str(release.folder),
        "REGION": place.region,
        "SERVERS": place.servers,
        "NAMESPACE": place.namespace,
        "RELEASE": RELEASE,
        "GATEWAY_PORT": str(place.gateway_port),
        "STORE_PORT": str(place.store_port),
        "MEMBERS": str(place.members),
        "IN_SYNC": str(place.members // 2 + 1),
        "VOTERS": place.voters,
        "CERTIFICATES": CERTIFICATES,
        "MONGO_TLS": MONGO_TLS if place.encrypted else "",
    }

    def apply(namespace: str, file: str, **more: str) -> None:
        text = string.Template((FILES / file).read_text()).substitute(values, **more)
        plane.must("--namespace", namespace, "apply", "--filename=-", text=text)

    for number in place.numbers:
        apply(place.servers, "member.yaml", NUMBER=str(number))
    apply(place.servers, "servers.yaml")
    apply(place.namespace, "way-in.yaml")
    ready = ("--namespace", place.servers, "wait", f"--timeout={PATIENCE}")
    plane.must(*ready, "--for=condition=Available", "deployment", "--all")
    plane.must(*ready, "--for=condition=Complete", "job/replica-set")


def _create_secrets(release: Installed) -> None:
    """As deploy/k8s/README.md has it, with the object store's users of the containers."""
    place = release.place
    project, keys = release.folder / "project", release.folder / "keys"
    shutil.copytree(ROOT / POLICIES, project / POLICIES)
    write_compose_files(project)
    write_service_files(keys)
    _create_store_secret(release, project / "deploy" / "compose" / "state")
    made = _variables(project / ".env")
    release.write_secret("docstore", _variables(keys / "shared.env"))
    for service in SERVICE_NAMES:
        own = {**_variables(keys / f"{service}.env"), "DOCSTORE_MONGO_URL": place.mongo(f"docstore_{service}")}
        if f"S3_{service.upper()}_ACCESS_KEY_ID" in made:
            own |= _store_keys(made, service)
        if service == "accounts":
            own["ACCOUNTS_FIRST_ADMIN_PASSWORD"] = ADMIN_PASSWORD
            own |= {"ACCOUNTS_PEER_SECRET": "of all regions " * 3, "ACCOUNTS_EMAIL_PEPPER": "the same everywhere " * 2}
        release.write_secret(f"docstore-{service}", own)
    operator = _store_keys(made, "operator")
    own_to_aws = {name.replace("DOCSTORE_S3", "AWS"): value for name, value in operator.items()}
    release.write_secret("docstore-backup", {"DOCSTORE_MONGO_URL": place.mongo("admin"), **operator, **own_to_aws})


def _store_keys(made: Variables, user: str) -> Variables:
    return {name: made[name.replace("DOCSTORE_S3", f"S3_{user.upper()}")] for name in STORE_KEYS}


def _create_store_secret(release: Installed, state: Path) -> None:
    """The object store's configuration, which is written for one region."""
    names = ("s3.json", "iam.json", "security.toml", "grpc.crt", "grpc.key")
    files = {name: (state / name).read_text().replace(SHIPPED_REGION, release.place.region) for name in names}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "object-store"}, "stringData": files}
    release.cluster.plane.must("--namespace", release.place.servers, "apply", "--filename=-", text=json.dumps(secret))


def _variables(file: Path) -> Variables:
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)

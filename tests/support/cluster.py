"""A Kubernetes cluster on this machine, each node in a network namespace of its own.

Needs root, the programs that `make cluster-test` builds, and of Debian: etcd-server, containerd, runc,
containernetworking-plugins, dnsmasq-base, iptables. dnsmasq stands in for CoreDNS; the network plug-in enforces no
network policies.
"""

import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster_node import PLUGINS, Node, running_node
from control_plane import ControlPlane, Network, NotRun, control_plane, process, program

from docstore_standalone.embedded.certificates import ensure_certificate

NEEDED = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl",
    "containerd", "ctr", "runc", "dnsmasq", "iptables", "ip", "nsenter", "docker",
)  # fmt: skip
SET_BY_KUBELET = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
DNS_SECONDS = 1.0
AGGREGATOR = "aggregator"


@dataclass(frozen=True)
class Cluster:
    """A running cluster. The first node is the way in from this machine."""

    plane: ControlPlane
    nodes: tuple[Node, ...]

    @property
    def address(self) -> str:
        """Of the first node, as this machine reaches it."""
        return self.nodes[0].address

    def import_images(self, *names: str) -> None:
        """Copy images from Docker into every node."""
        for node in self.nodes:
            node.import_images(*names)


@contextmanager
def running_cluster(size: int) -> Iterator[Cluster]:
    """Run so many nodes until the block ends, then remove all of it. NotRun on a machine that can't."""
    if os.geteuid() != 0:
        raise NotRun("a node needs root")
    for name in NEEDED:
        program(name)
    if not (PLUGINS / "ptp").exists():
        raise NotRun(f"no network plug-ins in {PLUGINS} (Debian: containernetworking-plugins)")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        raise NotRun("the Docker engine, which has the images, does not run")
    # Not under /tmp, which may be in memory: images are unpacked here.
    folder = Path(tempfile.mkdtemp(prefix="docstore-cluster-", dir="/var/tmp"))
    nodes = tuple(Node(number, folder / f"node-{number}") for number in range(1, size + 1))
    with ExitStack() as running:
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        running.enter_context(_sysctls_restored())
        for node in nodes:
            running.enter_context(node.network(nodes[0]))
        network = Network(nodes[0].address, nodes[0].enter)
        options = {"kubelet-preferred-address-types": "InternalIP", **_aggregation(folder)}
        plane = running.enter_context(control_plane(folder, network, options))
        running.enter_context(_controllers(folder, network, plane))
        for node in nodes:
            running.enter_context(running_node(node, plane, names=network.address))
        running.enter_context(_names(folder, network, plane))
        for node in nodes:
            plane.must("wait", "--for=create", f"node/{node.name}", "--timeout=300s")
            plane.must("wait", "--for=condition=Ready", f"node/{node.name}", "--timeout=300s")
        yield Cluster(plane, nodes)


@contextmanager
def _sysctls_restored() -> Iterator[None]:
    before = {path: Path("/proc/sys", path).read_text() for path in SET_BY_KUBELET}
    try:
        yield
    finally:
        for path, value in before.items():
            Path("/proc/sys", path).write_text(value)


def _aggregation(folder: Path) -> dict[str, object]:
    """Options by which the apiserver proves who it is to servers that extend it."""
    certificate, key = folder / "aggregation.crt", folder / "aggregation.key"
    ensure_certificate(certificate, key, AGGREGATOR)
    return {
        "requestheader-client-ca-file": certificate,
        "requestheader-allowed-names": AGGREGATOR,
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": certificate,
        "proxy-client-key-file": key,
    }


@contextmanager
def _controllers(folder: Path, network: Network, plane: ControlPlane) -> Iterator[None]:
    options = {"kubeconfig": plane.kubeconfig, "leader-elect": "false", "bind-address": network.address}
    managing = {
        "service-account-private-key-file": plane.key,
        "horizontal-pod-autoscaler-downscale-stabilization": "1m",
    }
    with ExitStack() as running:
        for name, more in {"kube-controller-manager": managing, "kube-scheduler": {}}.items():
            running.enter_context(process(name, folder, [*network.enter, program(name)], {**options, **more}))
        yield


@contextmanager
def _names(folder: Path, network: Network, plane: ControlPlane) -> Iterator[None]:
    """A name server that knows the Services."""
    names = folder / "names"
    names.mkdir()
    options = {
        "conf-file": "/dev/null",
        "pid-file": "",
        "user": "root",
        "listen-address": network.address,
        "hostsdir": names,
        "local": "/cluster.local/",
    }
    flags = ["--keep-in-foreground", "--no-resolv", "--no-hosts", "--bind-interfaces"]
    stop = threading.Event()
    watcher = threading.Thread(target=_write_names, args=(names / "services", plane, stop))
    with process("dnsmasq", folder, [*network.enter, program("dnsmasq"), *flags], options):
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()


def _write_names(path: Path, plane: ControlPlane, stop: threading.Event) -> None:
    written = ""
    while not stop.wait(DNS_SECONDS):
        done = plane.kubectl("get", "services", "--all-namespaces", "--output=json")
        services = json.loads(done.output)["items"] if done.status == 0 else []
        text = "".join(map(_line, services))
        if services and text != written:
            path.write_text(text)
            written = text


def _line(service: dict[str, Any]) -> str:
    """Its line in a file of hosts; empty if it has no address of its own."""
    address, metadata = service["spec"].get("clusterIP", "None"), service["metadata"]
    return "" if address == "None" else f"{address} {metadata['name']}.{metadata['namespace']}.svc.cluster.local\n"

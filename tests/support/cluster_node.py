"""A node of a Kubernetes cluster on this machine, in a network namespace of its own."""

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml
from control_plane import ControlPlane, process, program

PODS = "10.244.0.0/16"
"""Of all nodes."""
PLUGINS = Path("/usr/lib/cni")
PAUSE = "docstore-pause:cluster"
CGROUPS = Path("/sys/fs/cgroup")


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class Node:
    """A node by its number, from 1. The first has a cable to this machine, the others have one to the first."""

    number: int
    folder: Path

    @property
    def name(self) -> str:
        return f"node-{self.number}"

    @property
    def address(self) -> str:
        return f"10.219.{self.number}.2"

    @property
    def other_end(self) -> str:
        """Address of what its cable leads to."""
        return f"10.219.{self.number}.1"

    @property
    def pods(self) -> str:
        return f"10.244.{self.number}.0/24"

    @property
    def namespace(self) -> str:
        return f"dsc{os.getpid() % 1_000_000}-{self.number}"

    @property
    def enter(self) -> tuple[str, ...]:
        """The command that brings one into its network."""
        # Not `ip netns exec`, which mounts another /sys: without the cgroups.
        return ("nsenter", f"--net=/run/netns/{self.namespace}", "--")

    @property
    def state(self) -> Path:
        """Sockets of containerd, whose paths have to be short."""
        return Path(f"/run/docstore-cluster-{self.number}")

    @property
    def socket(self) -> Path:
        return self.state / "containerd.sock"

    @property
    def cgroup(self) -> str:
        """A kubelet ends what it does not know in its group."""
        return f"docstore-{self.name}"

    @contextmanager
    def network(self, first: "Node") -> Iterator[None]:
        """Its namespace, with a cable and routes to the pods of other nodes."""
        cable, outside = self.namespace, () if self is first else first.enter
        run("ip", "netns", "add", self.namespace)
        try:
            run(*outside, "ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
            run(*outside, "ip", "address", "add", f"{self.other_end}/24", "dev", cable)
            run(*outside, "ip", "link", "set", cable, "up")
            run("ip", "-n", self.namespace, "address", "add", f"{self.address}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                run("ip", "-n", self.namespace, "link", "set", device, "up")
            run("ip", "-n", self.namespace, "route", "add", "default", "via", self.other_end)
            run(*self.enter, "sysctl", "--quiet", "--write", "net.ipv4.ip_forward=1")
            if outside:
                run(*outside, "ip", "route", "add", self.pods, "via", self.address)
            yield
        finally:
            run("ip", "netns", "delete", self.namespace)

    def import_images(self, *names: str) -> None:
        """Copy images from Docker."""
        saved = subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE)
        done = subprocess.run(
            [*self.ctr(), "images", "import", "-"], stdin=saved.stdout, capture_output=True, check=False
        )
        assert saved.wait() == 0
        assert done.returncode == 0, done.stderr.decode()

    def ctr(self) -> list[str]:
        return [program("ctr"), "--address", str(self.socket), "--namespace", "k8s.io"]


@contextmanager
def running_node(node: Node, plane: ControlPlane, names: str) -> Iterator[None]:
    """Run containerd, kubelet and kube-proxy until the block ends. `names`: address of the name server."""
    node.folder.mkdir()
    with ExitStack() as running:
        running.enter_context(_runtime(node))
        running.enter_context(_kubelet(node, plane, names))
        yield


@contextmanager
def _runtime(node: Node) -> Iterator[None]:
    """containerd with a network plug-in that routes: on a bridge, answers of pods would bypass the node's rules."""
    folder = node.folder
    (folder / "cni").mkdir()
    route = {"type": "ptp", "ipam": {"type": "host-local", "dataDir": str(folder / "addresses")}}
    route["ipam"] |= {"ranges": [[{"subnet": node.pods}]], "routes": [{"dst": "0.0.0.0/0"}]}
    network_list = {"cniVersion": "0.4.0", "name": "pods", "plugins": [route]}
    (folder / "cni" / "pods.conflist").write_text(json.dumps(network_list))
    config = folder / "containerd.toml"
    config.write_text(f"""\
version = 2
root = "{folder}/containerd"
state = "{node.state}"
[grpc]
  address = "{node.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true  # where root may not lower it
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{PLUGINS}"
  conf_dir = "{folder}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
""")
    run("docker", "build", "--quiet", "--tag", PAUSE, str(_pause(folder)))
    before = _network_namespaces()
    with process("containerd", folder, [*node.enter, program("containerd")], {"config": config}):
        try:
            _wait_for(node.socket)
            node.import_images(PAUSE)
            yield
        finally:
            _remove_containers(node)
            for name in _network_namespaces() - before:
                run("ip", "netns", "delete", name)
            shutil.rmtree(node.state, ignore_errors=True)


def _network_namespaces() -> set[str]:
    """Those that the network plug-in makes for pods."""
    return {path.name for path in Path("/run/netns").glob("cni-*")}


def _pause(folder: Path) -> Path:
    """What holds the network of a pod: a container that sleeps."""
    context = folder / "pause"
    context.mkdir()
    image = os.environ.get("DEBIAN_IMAGE", "debian:bookworm-slim")
    (context / "Dockerfile").write_text(f'FROM {image}\nCMD ["sleep", "infinity"]\n')
    return context


def _wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        threading.Event().wait(0.1)
    raise AssertionError(f"{path} did not appear")


def _shims(node: Node) -> list[int]:
    """Processes that keep containers of this containerd: those whose start was interrupted stay."""
    ours = f"containerd-shim-runc-v2 -namespace k8s.io .*-address {node.socket}"
    found = subprocess.run(["pgrep", "--full", ours], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def _remove_containers(node: Node) -> None:
    """End what still runs, and unmount and remove what it leaves on this machine."""
    for name in run(*node.ctr(), "tasks", "list", "--quiet").split():
        subprocess.run([*node.ctr(), "tasks", "delete", "--force", name], check=False, capture_output=True)
    for pid in _shims(node):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted(mounts, reverse=True):
        if mount.startswith((f"{node.folder}/", f"{node.state}/")):
            subprocess.run(["umount", "--lazy", mount], check=False)
    for group in CGROUPS.glob(f"*/{node.cgroup}"):
        for each in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            with suppress(OSError):
                each.rmdir()
        with suppress(OSError):
            group.rmdir()


def _make_cgroup(node: Node) -> None:
    """One for each controller; that for processors takes nobody without a set of them."""
    for controller in CGROUPS.iterdir():
        (controller / node.cgroup).mkdir(exist_ok=True)
    for name in ("cpuset.cpus", "cpuset.mems"):
        own = CGROUPS / "cpuset" / node.cgroup / name
        if own.exists():
            own.write_text((CGROUPS / "cpuset" / name).read_text())


@contextmanager
def _kubelet(node: Node, plane: ControlPlane, names: str) -> Iterator[None]:
    folder = node.folder
    _make_cgroup(node)
    (folder / "resolv.conf").write_text("")
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": "0.0.0.0",  # within the namespace
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "clusterDNS": [names],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{node.socket}",
        "resolvConf": str(folder / "resolv.conf"),
        "podLogsDir": str(folder / "logs"),
        "volumePluginDir": str(folder / "plugins"),
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
    }
    (folder / "kubelet.yaml").write_text(yaml.safe_dump(config))
    kubelet = {
        "config": folder / "kubelet.yaml",
        "kubeconfig": plane.kubeconfig,
        "root-dir": folder / "kubelet",
        "cert-dir": folder / "kubelet-certificates",
        "hostname-override": node.name,
        "node-ip": node.address,
    }
    proxy = {
        "kubeconfig": plane.kubeconfig,
        "hostname-override": node.name,
        "proxy-mode": "iptables",
        "cluster-cidr": PODS,
        "oom-score-adj": 0,
        "conntrack-max-per-core": 0,
        "conntrack-tcp-timeout-established": 0,
        "conntrack-tcp-timeout-close-wait": 0,
    }
    with ExitStack() as running:
        for name, options in {"kubelet": kubelet, "kube-proxy": proxy}.items():
            running.enter_context(process(name, folder, [*node.enter, program(name)], options))
        yield

"""A Kubernetes cluster of one node on this machine, in a network namespace of its own.

Needs root, the programs that `make cluster-test` builds, and of Debian: etcd-server, containerd, runc,
containernetworking-plugins, dnsmasq-base, iptables. dnsmasq stands in for CoreDNS; the network plug-in enforces no
network policies.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from control_plane import ControlPlane, Network, NotRun, control_plane, process, program

NODE = "node"
OURS, THEIRS = "10.219.0.1", "10.219.0.2"
"""Ends of the cable between this machine and the node."""
PODS = "10.244.0.0/24"
PLUGINS = Path("/usr/lib/cni")
PAUSE = "docstore-pause:cluster"
NEEDED = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl",
    "containerd", "ctr", "runc", "dnsmasq", "iptables", "ip", "nsenter", "docker",
)  # fmt: skip
SET_BY_KUBELET = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
DNS_SECONDS = 1.0


@contextmanager
def one_node_cluster() -> Iterator[ControlPlane]:
    """Run it until the block ends, then remove all of it. NotRun on a machine that can't."""
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
    with ExitStack() as running:
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        running.enter_context(_sysctls_restored())
        network = running.enter_context(_network())
        plane = running.enter_context(control_plane(folder, network, {"kubelet-preferred-address-types": "InternalIP"}))
        running.enter_context(_controllers(folder, network, plane))
        running.enter_context(_runtime(folder, network))
        running.enter_context(_node(folder, network, plane))
        running.enter_context(_names(folder, network, plane))
        plane.must("wait", "--for=create", f"node/{NODE}", "--timeout=300s")
        plane.must("wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=300s")
        yield plane


def import_images(*names: str) -> None:
    """Copy images from Docker into the node."""
    saved = subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE)
    done = subprocess.run([*_ctr(), "images", "import", "-"], stdin=saved.stdout, capture_output=True, check=False)
    assert saved.wait() == 0
    assert done.returncode == 0, done.stderr.decode()


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def _sysctls_restored() -> Iterator[None]:
    before = {path: Path("/proc/sys", path).read_text() for path in SET_BY_KUBELET}
    try:
        yield
    finally:
        for path, value in before.items():
            Path("/proc/sys", path).write_text(value)


@contextmanager
def _network() -> Iterator[Network]:
    """A namespace with a cable to this machine."""
    name = f"dsc{os.getpid() % 100_000}"
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        _run("ip", "address", "add", f"{OURS}/24", "dev", name)
        _run("ip", "link", "set", name, "up")
        _run("ip", "-n", name, "address", "add", f"{THEIRS}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            _run("ip", "-n", name, "link", "set", device, "up")
        _run("ip", "-n", name, "route", "add", "default", "via", OURS)
        # Not `ip netns exec`, which mounts another /sys: without the cgroups.
        enter = ("nsenter", f"--net=/run/netns/{name}", "--")
        _run(*enter, "sysctl", "--quiet", "--write", "net.ipv4.ip_forward=1")
        yield Network(THEIRS, enter)
    finally:
        _run("ip", "netns", "delete", name)


@contextmanager
def _controllers(folder: Path, network: Network, plane: ControlPlane) -> Iterator[None]:
    options = {"kubeconfig": plane.kubeconfig, "leader-elect": "false", "bind-address": network.address}
    signing = {"service-account-private-key-file": plane.key}
    with ExitStack() as running:
        for name, more in {"kube-controller-manager": signing, "kube-scheduler": {}}.items():
            running.enter_context(process(name, folder, [*network.enter, program(name)], {**options, **more}))
        yield


def _state() -> Path:
    """Sockets of containerd, whose paths have to be short."""
    return Path("/run/docstore-cluster")


def _ctr() -> list[str]:
    return [program("ctr"), "--address", str(_state() / "containerd.sock"), "--namespace", "k8s.io"]


@contextmanager
def _runtime(folder: Path, network: Network) -> Iterator[None]:
    """containerd with a network plug-in that routes: on a bridge, answers of pods would bypass the node's rules."""
    (folder / "cni").mkdir()
    route = {"type": "ptp", "ipam": {"type": "host-local", "dataDir": str(folder / "addresses")}}
    route["ipam"] |= {"ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]}
    network_list = {"cniVersion": "0.4.0", "name": "pods", "plugins": [route]}
    (folder / "cni" / "pods.conflist").write_text(json.dumps(network_list))
    config = folder / "containerd.toml"
    config.write_text(f"""\
version = 2
root = "{folder}/containerd"
state = "{_state()}"
[grpc]
  address = "{_state()}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true  # where root may not lower it
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{PLUGINS}"
  conf_dir = "{folder}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
""")
    _run("docker", "build", "--quiet", "--tag", PAUSE, str(_pause(folder)))
    before = _network_namespaces()
    with process("containerd", folder, [*network.enter, program("containerd")], {"config": config}):
        try:
            _wait_for(_state() / "containerd.sock")
            import_images(PAUSE)
            yield
        finally:
            _remove_containers(folder)
            for name in _network_namespaces() - before:
                _run("ip", "netns", "delete", name)
            shutil.rmtree(_state(), ignore_errors=True)


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


def _shims() -> list[int]:
    """Processes that keep containers of this containerd: those whose start was interrupted stay."""
    ours = f"containerd-shim-runc-v2 -namespace k8s.io .*-address {_state()}/containerd.sock"
    found = subprocess.run(["pgrep", "--full", ours], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def _remove_containers(folder: Path) -> None:
    """End what still runs, and unmount and remove what it leaves on this machine."""
    for name in _run(*_ctr(), "tasks", "list", "--quiet").split():
        subprocess.run([*_ctr(), "tasks", "delete", "--force", name], check=False, capture_output=True)
    for pid in _shims():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted(mounts, reverse=True):
        if mount.startswith((f"{folder}/", f"{_state()}/")):
            subprocess.run(["umount", "--lazy", mount], check=False)
    for group in Path("/sys/fs/cgroup").glob("*/kubepods"):
        for each in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            with suppress(OSError):
                each.rmdir()
        with suppress(OSError):
            group.rmdir()


@contextmanager
def _node(folder: Path, network: Network, plane: ControlPlane) -> Iterator[None]:
    (folder / "resolv.conf").write_text("")
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": "0.0.0.0",  # within the namespace
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "clusterDNS": [network.address],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{_state()}/containerd.sock",
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
        "hostname-override": NODE,
        "node-ip": network.address,
    }
    proxy = {
        "kubeconfig": plane.kubeconfig,
        "hostname-override": NODE,
        "proxy-mode": "iptables",
        "cluster-cidr": PODS,
        "oom-score-adj": 0,
        "conntrack-max-per-core": 0,
        "conntrack-tcp-timeout-established": 0,
        "conntrack-tcp-timeout-close-wait": 0,
    }
    with ExitStack() as running:
        for name, options in {"kubelet": kubelet, "kube-proxy": proxy}.items():
            running.enter_context(process(name, folder, [*network.enter, program(name)], options))
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

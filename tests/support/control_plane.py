"""etcd and kube-apiserver: what the API accepts is what a cluster accepts, also without a node.

KUBERNETES names the folder of the programs; `make cluster-test` builds them.
"""

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from docstore_standalone.ports import LOOPBACK, PortBook

STARTS_SECONDS = 300
"""An idle machine takes 8 s."""
STOPS_SECONDS = 20


class NotRun(Exception):
    """What this machine lacks for a step, in words for who runs the tests."""


def program(name: str) -> str:
    """Path of a program: among those that were built, or on the PATH."""
    built = Path(os.environ.get("KUBERNETES", "")) / name
    found = shutil.which(built) or shutil.which(name)
    if found is None:
        raise NotRun(f"{name} is neither on the PATH nor in $KUBERNETES")
    return found


@dataclass(frozen=True)
class Network:
    """Where the processes of a cluster listen, and the command that brings one into that network."""

    address: str = LOOPBACK
    enter: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True)
class ControlPlane:
    """A running apiserver."""

    kubeconfig: Path
    key: Path
    """It signs the tokens of service accounts."""

    def kubectl(self, *arguments: str, text: str = "") -> Done:
        """Run kubectl as the administrator, with this standard input."""
        command = [program("kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    def must(self, *arguments: str, text: str = "") -> str:
        """Run kubectl and return what it prints; AssertionError if it fails."""
        done = self.kubectl(*arguments, text=text)
        assert done.status == 0, done.errors
        return done.output


@contextmanager
def control_plane(
    folder: Path, network: Network = Network(), more: Mapping[str, object] | None = None
) -> Iterator[ControlPlane]:
    """Run both with their data and logs in `folder`, until the block ends. NotRun without the programs.

    `more` are options of the apiserver.
    """
    etcd, apiserver = program("etcd"), program("kube-apiserver")
    book = PortBook()
    book.secure(["etcd", "etcd-peers", "apiserver"])
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    (folder / "tokens.csv").chmod(0o600)
    key = folder / "service-accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    store = f"http://{network.address}:{book['etcd']}"
    etcd_options = {
        "data-dir": folder / "etcd",
        "listen-client-urls": store,
        "advertise-client-urls": store,
        "listen-peer-urls": f"http://{network.address}:{book['etcd-peers']}",
    }
    apiserver_options = {
        "etcd-servers": store,
        "bind-address": network.address,
        "advertise-address": network.address,
        "secure-port": book["apiserver"],
        "cert-dir": folder / "certificates",
        "token-auth-file": folder / "tokens.csv",
        "authorization-mode": "RBAC",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": key,
        "service-account-signing-key-file": key,
        "service-cluster-ip-range": "10.96.0.0/16",
        **(more or {}),
    }
    with ExitStack() as running:
        running.enter_context(process("etcd", folder, [*network.enter, etcd], etcd_options))
        command = [*network.enter, apiserver]
        server = running.enter_context(process("kube-apiserver", folder, command, apiserver_options))
        plane = ControlPlane(_kubeconfig(folder, f"{network.address}:{book['apiserver']}", token), key)
        _wait_until_ready(plane, server, folder / "kube-apiserver.log")
        yield plane


@contextmanager
def process(
    name: str, folder: Path, command: list[str], options: Mapping[str, object]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with these `--options` until the block ends; `<name>.log` in the folder is what it prints."""
    arguments = [*command, *(f"--{option}={value}" for option, value in options.items())]
    with (folder / f"{name}.log").open("wb") as log:
        started = subprocess.Popen(arguments, stdout=log, stderr=log)
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(STOPS_SECONDS)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def _kubeconfig(folder: Path, address: str, token: str) -> Path:
    cluster = {"server": f"https://{address}", "insecure-skip-tls-verify": True}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    return path


def _wait_until_ready(plane: ControlPlane, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + STARTS_SECONDS
    while plane.kubectl("get", "--raw", "/readyz", "--request-timeout=5s").status:
        assert server.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < end, f"the apiserver was not ready after {STARTS_SECONDS} s: {log}"
        time.sleep(0.5)

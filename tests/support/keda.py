"""KEDA beside a cluster's control plane: it scales Deployments by the lag of their consumer groups."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml
from cluster import Cluster
from control_plane import process, program
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from custom_resources import keda_definitions

from docstore_standalone.self_signed import create_certificate

NAMESPACE = "keda"
NAME = "keda.test"
"""In the certificate by which operator and adapter know each other."""
METRICS_PORT, ADAPTER_PORT, ADAPTERS_OWN_METRICS = 9666, 6443, 8090
API_SERVICE = "v1beta1.external.metrics.k8s.io"
READY = ("wait", "--for=condition=Available", f"apiservice/{API_SERVICE}", "--timeout=300s")


@contextmanager
def running_keda(cluster: Cluster, folder: Path) -> Iterator[None]:
    """Run its operator and its metrics adapter on the first node until the block ends. NotRun without the programs."""
    operator, adapter = program("keda-operator"), program("keda-adapter")
    plane, node = cluster.plane, cluster.nodes[0]
    for path in keda_definitions():
        plane.must("create", "--filename", str(path))
    plane.must("create", "namespace", NAMESPACE)
    plane.must("create", "--filename=-", text=yaml.safe_dump_all(_service(cluster.address)))
    certificates = folder / "certificates"
    certificates.mkdir()
    _create_certificate(certificates)
    metrics = f"{cluster.address}:{METRICS_PORT}"
    kubeconfig = plane.kubeconfig
    operator_options = {"kubeconfig": kubeconfig, "metrics-service-bind-address": metrics, "cert-dir": certificates}
    adapter_options = {
        **{f"{use}kubeconfig": kubeconfig for use in ("", "lister-", "authentication-", "authorization-")},
        "secure-port": ADAPTER_PORT,
        "port": ADAPTERS_OWN_METRICS,
        "metrics-service-address": metrics,
        "metrics-service-grpc-authority": NAME,
        "cert-dir": certificates,
        "tls-cert-file": certificates / "tls.crt",
        "tls-private-key-file": certificates / "tls.key",
    }
    # It asks Kafka by the names that pods know.
    (folder / "resolv.conf").write_text(f"nameserver {cluster.address}\nsearch svc.cluster.local\n")
    with_names = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    enter = [*node.enter, "unshare", "--mount", "sh", "-c", with_names, str(folder / "resolv.conf")]
    with ExitStack() as running:
        for name, command, options in (
            ("keda-operator", operator, operator_options),
            ("keda-adapter", adapter, adapter_options),
        ):
            running.enter_context(process(name, folder, [*enter, *_environment(), command], options))
        # No namespace can be deleted while the apiserver knows of an API that nobody serves.
        running.callback(plane.must, "delete", "apiservice", API_SERVICE)
        plane.must(*READY)
        yield


def _environment() -> list[str]:
    return ["env", "WATCH_NAMESPACE=", f"POD_NAMESPACE={NAMESPACE}", f"KEDA_CLUSTER_OBJECT_NAMESPACE={NAMESPACE}"]


def _create_certificate(folder: Path) -> None:
    names = x509.SubjectAlternativeName([x509.DNSName(NAME)])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    extensions = [(names, False), (usage, False)]
    certificate = folder / "tls.crt"
    create_certificate(certificate, folder / "tls.key", subject, days=2, path_length=0, extensions=extensions)
    (folder / "ca.crt").write_text(certificate.read_text())


def _service(address: str) -> Iterator[Mapping[str, object]]:
    """What leads the apiserver's external metrics to the adapter."""
    name = "keda-metrics-apiserver"
    metadata = {"name": name, "namespace": NAMESPACE}
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"ports": [{"name": "https", "port": 443, "targetPort": ADAPTER_PORT}]},
    }
    yield {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": ADAPTER_PORT}],
    }
    yield {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": API_SERVICE},
        "spec": {
            "service": {"name": name, "namespace": NAMESPACE},
            "group": "external.metrics.k8s.io",
            "version": "v1beta1",
            "insecureSkipTLSVerify": True,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }

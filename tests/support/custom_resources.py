"""Definitions of the kinds that are not Kubernetes' own, out of their operators' Go modules."""

import json
import subprocess
from pathlib import Path

KEDA = "github.com/kedacore/keda/v2@v2.21.0"
PROMETHEUS = "example/prometheus-operator-crd/monitoring.coreos.com"
MODULES = {
    "sigs.k8s.io/gateway-api@v1.4.0": ["config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"],
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": [
        f"{PROMETHEUS}_servicemonitors.yaml",
        f"{PROMETHEUS}_prometheusrules.yaml",
    ],
    "github.com/external-secrets/external-secrets@v1.3.2": [
        "config/crds/bases/external-secrets.io_externalsecrets.yaml"
    ],
    KEDA: ["config/crd/bases/keda.sh_scaledobjects.yaml"],
}
"""Files of each module."""


def definitions() -> list[Path]:
    """The files, fetched from the Go module proxy where this machine has not got them yet."""
    return [_fetched(module) / file for module, files in MODULES.items() for file in files]


def keda_definitions() -> list[Path]:
    """All of KEDA, which its operator needs."""
    return sorted((_fetched(KEDA) / "config/crd/bases").glob("*.yaml"))


def _fetched(module: str) -> Path:
    command = ["go", "mod", "download", "-json", module]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(json.loads(done.stdout)["Dir"])

"""A policy scanner that knows more rules than we do finds nothing (checkov; exceptions in checkov.yaml)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from chart import K8S, SETS, Object, pods, render

CONFIG = K8S / "checkov.yaml"


def scan(folder: Path) -> subprocess.CompletedProcess[str]:
    """FileNotFoundError without checkov: `make chart-test` fetches it."""
    program = os.environ.get("CHECKOV") or shutil.which("checkov")
    if not program:
        raise FileNotFoundError("checkov is neither on the PATH nor named by CHECKOV: run `make chart-test`")
    command = [program, "--config-file", str(CONFIG), "--directory", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def without_probes(each: Object) -> Object:
    """A pod that no Deployment keeps, as that of `helm test`, ends by itself: the scanner asks it for no probes."""
    if each["kind"] != "Pod":
        return each
    skipped = {f"checkov.io/skip{number}": f"CKV_K8S_{number}" for number in (8, 9)}
    metadata = each["metadata"]
    return {**each, "metadata": {**metadata, "annotations": {**metadata["annotations"], **skipped}}}


def test_the_scanner_finds_nothing(tmp_path: Path) -> None:
    """In any of the sets of values."""
    for number, values in enumerate(SETS.values()):
        if values != SETS["no policies, no ingress, no job"]:
            text = yaml.safe_dump_all(map(without_probes, render(*values, release=f"files{number}")))
            (tmp_path / f"{number}.yaml").write_text(text)
    done = scan(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scanner_would_find_something(tmp_path: Path) -> None:
    """A container that may gain rights is reported, so that an empty report is meaningful."""
    objects = [dict(each) for each in render(release="bad") if each["kind"] == "Deployment"]
    worse: Object = yaml.safe_load(yaml.safe_dump(objects[0]))
    (pod,) = pods((worse,)).values()
    pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(worse))
    done = scan(tmp_path)
    assert done.returncode == 1
    assert "CKV_K8S_20" in done.stdout

"""Renders the chart, and finds things in what comes out."""

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

K8S = Path(__file__).parents[1]
ROOT = K8S.parents[1]
CHART = K8S / "docstore"
EXAMPLES = sorted((K8S / "examples").glob("*.yaml"))
KUBERNETES = "1.31.0"

Object = dict[str, Any]

SETS: dict[str, tuple[str, ...]] = {
    "defaults": (),
    **{path.stem: ("-f", str(path)) for path in EXAMPLES},
    "no policies, no ingress, no job": (
        "--set",
        "networkPolicies.enabled=false,ingress.enabled=false,provisionTopics=false",
    ),
    "nothing scaled": (
        "--set",
        "services.gateway.autoscaling.enabled=false,services.upload.autoscaling.enabled=false,"
        "services.metadata.autoscaling.enabled=false",
    ),
    "scaled by lag": (
        "--set",
        "defaults.kedaLag.max=8,services.accounts.kedaLag.enabled=true,services.metadata.kedaLag.enabled=true,"
        "services.quota.kedaLag.enabled=true,services.notify.kedaLag.enabled=true",
    ),
    "own authorities": (
        "--set",
        "certificateAuthorities.kafka=a,certificateAuthorities.mongo=b,certificateAuthorities.objectStore=c,"
        "certificateAuthorities.search=d",
    ),
    "no volume": ("--set-json", "services.indexer.storage=null", "--set", "services.indexer.replicas=3"),
    "decided otherwise": (
        "--set-string",
        "services.accounts.env.ACCOUNTS_SIGN_UP=closed,services.accounts.env.ACCOUNTS_VERIFY_EMAILS=false,"
        "services.accounts.env.ACCOUNTS_SELF_SERVICE_PLANS=true,services.metadata.env.METADATA_TRASH_DAYS=7,"
        "services.metadata.env.METADATA_VERSION_DAYS=365,services.upload.env.UPLOAD_UNCLAIMED_BYTES=1073741824,"
        "services.indexer.env.DOCSTORE_ALLOW_WEAK_SANDBOX=true,services.media.env.DOCSTORE_ALLOW_WEAK_SANDBOX=true,"
        "services.gateway.env.GATEWAY_SECURITY_CONTACT=mailto:security@example.org",
    ),
    "backed up": (
        "--set",
        "backup.target=s3://backups/docstore,backup.endpoint=https://minio.example.org,backup.storageClass=STANDARD_IA,"
        "backup.lockDays=30,backup.oplogSchedule=*/5 * * * *,backup.verifySchedule=0 6 * * 0,"
        "certificateAuthorities.mongo=a,certificateAuthorities.objectStore=b",
    ),
    "placed": (
        "--set",
        "defaults.nodeSelector.pool=docstore,defaults.tolerations[0].key=docstore,defaults.tolerations[0].operator=Exists,"
        "services.quota.image=registry.example.org/quota@sha256:0,image.pullSecrets[0].name=registry",
    ),
    "operators' objects": (
        "--set",
        "telemetry.scrape=false,telemetry.serviceMonitor.enabled=true,telemetry.serviceMonitor.labels.release=prometheus,"
        "telemetry.prometheusRule.enabled=true,telemetry.dashboards.enabled=true,commonLabels.team=files,"
        "commonAnnotations.contact=ops,ingress.enabled=false,httpRoute.enabled=true,httpRoute.parentRefs[0].name=public,"
        "externalSecrets.enabled=true,externalSecrets.store.name=vault,externalSecrets.key=prod/%s,"
        "secrets.provision=docstore-provision,backup.target=s3://backups,services.quota.existingSecret=own-quota",
    ),
    "extended": ("-f", str(K8S / "tests" / "extended.yaml")),
}


class Refused(Exception):
    """Helm's own words about why it renders nothing."""


def helm(*arguments: str) -> str:
    """What helm prints; Refused if it fails. FileNotFoundError without helm: `make chart-test` fetches it."""
    program = os.environ.get("HELM") or shutil.which("helm")
    if not program:
        raise FileNotFoundError("helm is neither on the PATH nor named by HELM: run `make chart-test`")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


@functools.cache
def render(*values: str, release: str = "files") -> tuple[Object, ...]:
    """Every object of the chart, hooks too, with these further arguments of `helm template`."""
    arguments = ("--namespace", "docstore", "--kube-version", KUBERNETES)
    text = helm("template", release, str(CHART), *arguments, *values)
    return tuple(document for document in yaml.safe_load_all(text) if document)


def of_kind(objects: tuple[Object, ...], kind: str) -> list[Object]:
    return [each for each in objects if each["kind"] == kind]


def component(each: Object) -> str:
    """The service an object belongs to."""
    return str(each["metadata"]["labels"]["app.kubernetes.io/component"])


def by_service(objects: tuple[Object, ...], kind: str) -> dict[str, Object]:
    return {component(each): each for each in of_kind(objects, kind)}


def pod_templates(objects: tuple[Object, ...]) -> dict[str, Object]:
    """Pod templates of everything that runs, by component."""
    running = [each for kind in ("Deployment", "Job") for each in of_kind(objects, kind)]
    templates = {component(each): each["spec"]["template"] for each in running}
    templates |= {component(each): each for each in of_kind(objects, "Pod")}
    cron = {component(each): each["spec"]["jobTemplate"]["spec"]["template"] for each in of_kind(objects, "CronJob")}
    return templates | cron


def pods(objects: tuple[Object, ...]) -> dict[str, Object]:
    """Pod specs of everything that runs, by component."""
    return {name: template["spec"] for name, template in pod_templates(objects).items()}

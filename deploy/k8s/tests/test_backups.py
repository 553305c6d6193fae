"""The CronJobs of backups: commands that exist, with the settings and rights that each needs."""

import sys
from pathlib import Path

import typer
from generate_versions import version

from docstore_cli.commands.stack.backup import app
from docstore_platform.settings import InfraSettings

sys.path.insert(0, str(Path(__file__).parent))
from chart import SETS, Object, by_service, of_kind, pods, render
from test_settings import fields

OBJECTS = render(*SETS["backed up"])
JOBS = by_service(OBJECTS, "CronJob")
BACKUP, OPLOG, VERIFY = "backup", "backup-oplog", "backup-verify"


def container(name: str) -> Object:
    found: Object = pods(OBJECTS)[name]["containers"][0]
    return found


def test_there_are_none_without_a_target() -> None:
    """Neither jobs nor their service account; and with a target only those that have a schedule."""
    for kind in ("CronJob", "ServiceAccount", "NetworkPolicy"):
        assert not any(name.startswith(BACKUP) for name in by_service(render(), kind))
    target = ("--set", "backup.target=s3://backups")
    assert set(by_service(render(*target), "CronJob")) == {BACKUP}
    assert set(JOBS) == {BACKUP, OPLOG, VERIFY}


def test_their_commands_are_those_of_docstore() -> None:
    """Typer itself reads each, up to the point where it would run; the image is the one with the command."""
    group = typer.main.get_command(app)
    for name in JOBS:
        program, word, command, *arguments = container(name)["command"]
        assert (program, word) == ("docstore", "backup")
        with group.make_context("backup", [command, *arguments], resilient_parsing=False) as context:
            chosen = group.get_command(context, command)  # type: ignore[attr-defined]
            read = chosen.make_context(command, arguments).params
        assert "s3://backups/docstore" in read.values()
        assert read["endpoint"] == "https://minio.example.org"
        assert container(name)["image"] == f"docstore-cli:{version()}"


def test_retention_is_what_the_values_say() -> None:
    """As options of the command that takes a backup."""
    text = " ".join(container(BACKUP)["command"])
    assert "--keep-daily 7 --keep-monthly 12 --keep-weekly 4" in text
    assert "--storage-class STANDARD_IA --lock-days 30" in text


def test_one_at_a_time_and_none_missed_for_good() -> None:
    """In UTC; a run that is still going is not doubled, one that was missed is made up for."""
    for job in JOBS.values():
        spec = job["spec"]
        assert (spec["timeZone"], spec["concurrencyPolicy"]) == ("Etc/UTC", "Forbid")
        assert spec["startingDeadlineSeconds"] >= 600


def test_a_verification_sees_the_bucket_of_backups_alone() -> None:
    """It gets no address of a database, no settings of the deployment and no port to them."""
    verify, backup = container(VERIFY), container(BACKUP)
    assert "envFrom" not in verify
    assert [each["secretRef"]["name"] for each in backup["envFrom"] if "secretRef" in each] == ["docstore-backup"]
    ports = {
        name: {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
        for name, policy in by_service(OBJECTS, "NetworkPolicy").items()
    }
    assert ports[VERIFY] == {53, 443}
    assert ports[BACKUP] == ports[OPLOG] == {53, 443, 27017}


def test_the_settings_they_share_with_services_name_the_deployment() -> None:
    """Region, bucket and store, as the command reads them."""
    (settings,) = of_kind(OBJECTS, "ConfigMap")
    assert {"DOCSTORE_REGION", "DOCSTORE_S3_ENDPOINT", "DOCSTORE_S3_BUCKET"} <= settings["data"].keys()
    assert settings["data"].keys() <= fields(InfraSettings).keys()

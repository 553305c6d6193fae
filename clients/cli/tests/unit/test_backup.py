"""Warnings of `docstore backup` about data that is in no backup."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from docstore_cli.main import app
from docstore_contents.s3.presigned import S3Config
from docstore_platform.clock import utc_now
from docstore_standalone.backup.deployment import Deployment
from docstore_standalone.backup.manifest import BackupRefused, Manifest, Part
from docstore_standalone.backup.take import Taken


@asynccontextmanager
async def reached(_: Any) -> AsyncIterator[Deployment]:
    """A deployment whose contents are in the bucket `contents`."""
    s3 = S3Config("http://s3", "http://s3", "us-west-2", "id", "secret", "contents")
    yield Deployment("us-west-2", "mongodb://nowhere", "docstore_", s3, None)


async def take_backup(*_: Any, **__: Any) -> None:
    raise BackupRefused("there is nothing to back up")


@pytest.mark.parametrize(("bucket", "is_told"), [("archive", True), ("contents", False), ("", False), (None, False)])
def test_it_warns_of_an_archive_in_a_bucket_of_its_own(
    bucket: str | None, is_told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name; not where the archive is in the bucket that is backed up."""
    monkeypatch.delenv("ANALYTICS_BUCKET", raising=False)
    if bucket is not None:
        monkeypatch.setenv("ANALYTICS_BUCKET", bucket)
    monkeypatch.setattr("docstore_cli.commands.stack.backup.reached", reached)
    monkeypatch.setattr("docstore_cli.commands.stack.backup.take_backup", take_backup)
    outcome = CliRunner().invoke(app, ["backup", str(tmp_path)])
    assert outcome.exit_code == 1
    assert ("archive (ANALYTICS_BUCKET), which is not in the backup" in outcome.stderr) == is_told


@pytest.mark.parametrize("left_out", [["accounts/ada/uploads/1/content"], []])
def test_archived_contents_that_are_not_backed_up_are_counted(
    left_out: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a warning for people, by their keys for programs."""
    now, part = utc_now(), Part(path="objects", size=0, sha256="")
    rest: Any = {"began_at": now, "finished_at": now, "snapshot_at": now, "collections": [], "objects": part}
    rest |= {"object_count": 0, "object_bytes": 0, "credentials": None}

    async def take(*_: Any, **__: Any) -> Taken:
        return Taken("there", Manifest(name="name", region="us-west-2", **rest), 0, 0, [], left_out)

    monkeypatch.setattr("docstore_cli.commands.stack.backup.reached", reached)
    monkeypatch.setattr("docstore_cli.commands.stack.backup.take_backup", take)
    outcome = CliRunner().invoke(app, ["backup", str(tmp_path)])
    assert (outcome.exit_code, "1 contents are archived" in outcome.stderr) == (0, bool(left_out))
    outcome = CliRunner().invoke(app, ["backup", str(tmp_path), "--json"])
    assert json.loads(outcome.stdout)["left_out"] == left_out


@pytest.mark.parametrize(
    ("options", "reason"),
    [(["--to", "yesterday"], "no time"), (["--to", "2026-11-23T14:31:59Z", "--check"], "leave out")],
)
def test_a_moment_that_makes_no_sense_is_refused(options: list[str], reason: str, tmp_path: Path) -> None:
    """Before anything is opened."""
    outcome = CliRunner().invoke(app, ["restore-backup", str(tmp_path), *options])
    assert outcome.exit_code == 1
    assert reason in outcome.stderr

"""Helm's notes after an install: the address, the next steps, and warnings."""

import shutil
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from chart import CHART, KUBERNETES, SETS, helm


def notes(folder: Path, *values: str) -> str:
    """The notes as an object of a copy of the chart: Helm prints them only with a cluster to install to."""
    copy = shutil.copytree(CHART, folder / "docstore")
    text = (copy / "templates" / "NOTES.txt").read_text()
    (copy / "templates" / "_notes.tpl").write_text(f'{{{{- define "notes" }}}}{text}{{{{ end }}}}')
    (copy / "templates" / "notes.yaml").write_text('notes: {{ include "notes" . | quote }}')
    show = ("--show-only", "templates/notes.yaml", "--kube-version", KUBERNETES, "--namespace", "docstore")
    return str(yaml.safe_load(helm("template", "files", str(copy), *show, *values))["notes"])


def test_they_name_the_secrets_and_warn_of_what_is_open(tmp_path: Path) -> None:
    """With the defaults alone: no proxy is trusted, no one administers, and Kafka is not encrypted."""
    text = notes(tmp_path)
    assert "https://files.example.org" in text
    assert "deployment/files-gateway" in text
    assert "docstore-accounts" in text
    assert "GATEWAY_TRUSTED_PROXIES is not set" in text
    assert "ACCOUNTS_FIRST_ADMIN_EMAIL is not set" in text
    assert "NOTIFY_SENDER is not set" in text
    assert "without encryption" in text


def test_they_do_not_ask_for_mail_where_addresses_need_no_proof(tmp_path: Path) -> None:
    """An installation without mail that trusts every address."""
    trusting = ("--set-string", "services.accounts.env.ACCOUNTS_VERIFY_EMAILS=false")
    assert "NOTIFY_SENDER" not in notes(tmp_path, *trusting)


def test_they_warn_of_nothing_where_all_is_well(tmp_path: Path) -> None:
    """A region as the example has it."""
    text = notes(tmp_path, *SETS["us-west-2"])
    assert "WARNING" not in text
    assert "docstore-provision" in text

"""Settings of the standalone stack."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from docstore_standalone.embedded.binaries import ProgramMissing, find_mongod
from docstore_standalone.settings import StandaloneSettings


def test_data_is_in_the_folder_of_the_desktop_specification(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """XDG_DATA_HOME first, ~/.local/share else."""
    monkeypatch.delenv("DOCSTORE_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert StandaloneSettings().data == tmp_path / "docstore"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert StandaloneSettings().data == tmp_path / ".local" / "share" / "docstore"


def test_environment_names_the_folder_and_the_port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """DOCSTORE_DATA and DOCSTORE_PORT are read; no port means: 8080 or the next free one."""
    monkeypatch.delenv("DOCSTORE_PORT", raising=False)
    assert StandaloneSettings().port is None
    monkeypatch.setenv("DOCSTORE_DATA", str(tmp_path))
    monkeypatch.setenv("DOCSTORE_PORT", "9090")
    settings = StandaloneSettings()
    assert (settings.data, settings.port) == (tmp_path, 9090)


def test_a_folder_of_ones_home_is_found_from_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No shell has put the home's name in where the folder comes from a file of variables, or from --data=~/x."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCSTORE_DATA", "~/files")
    assert StandaloneSettings().data == tmp_path / "files"
    monkeypatch.chdir(tmp_path)
    assert StandaloneSettings(data=Path("files")).data == tmp_path / "files"


def test_an_external_store_without_keys_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Better at start than with the first upload; a deployment that is all external may have a role."""
    monkeypatch.setenv("DOCSTORE_S3_ENDPOINT", "https://s3.example.com")
    with pytest.raises(ValidationError, match="s3_access_key_id"):
        StandaloneSettings()
    monkeypatch.setenv("DOCSTORE_MONGO_URL", "mongodb://db.example.com")
    monkeypatch.setenv("DOCSTORE_KAFKA_BOOTSTRAP", "kafka.example.com:9092")
    assert StandaloneSettings().s3_access_key_id == ""


def test_a_named_program_that_is_none_is_an_error(tmp_path: Path) -> None:
    """A wrong path is not replaced by another program in silence."""
    with pytest.raises(ProgramMissing, match="DOCSTORE_MONGOD"):
        find_mongod(tmp_path / "mongod", tmp_path)


def test_a_mongod_on_the_path_comes_before_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the machine's owner installed is preferred."""
    program = tmp_path / "mongod"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_mongod(None, tmp_path / "tools") == program

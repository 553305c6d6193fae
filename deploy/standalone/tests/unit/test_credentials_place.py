"""Secrets of a stack outside its data folder."""

from pathlib import Path

import pytest

from docstore_standalone.credentials import CREDENTIALS_FILE, load_credentials, move_credentials, rotate_secrets
from docstore_standalone.state import SecretsMissing


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_secrets_of_a_stack_move_elsewhere(data: Path, tmp_path: Path) -> None:
    """They are the same there, private, and no longer in the data folder; changes are written there."""
    known = load_credentials(data)
    move_credentials(data, tmp_path / "secrets")
    assert not (data / CREDENTIALS_FILE).exists()
    assert load_credentials(data) == known
    assert (tmp_path / "secrets" / CREDENTIALS_FILE).stat().st_mode & 0o777 == 0o600
    rotate_secrets(data)
    assert not (data / CREDENTIALS_FILE).exists()
    assert load_credentials(data).service_keys != known.service_keys
    move_credentials(data, tmp_path / "secrets")
    move_credentials(data, tmp_path / "other")
    assert not (tmp_path / "secrets" / CREDENTIALS_FILE).exists()
    assert load_credentials(data).server_secret == known.server_secret


def test_a_new_stack_has_its_secrets_elsewhere_from_the_start(data: Path, tmp_path: Path) -> None:
    """They are never written into the data folder."""
    move_credentials(data, tmp_path / "secrets")
    assert load_credentials(data) == load_credentials(data)
    assert not (data / CREDENTIALS_FILE).exists()


@pytest.mark.parametrize("written", ["the copy", "the copy and the state"])
def test_a_move_that_was_cut_off_is_completed(data: Path, tmp_path: Path, written: str) -> None:
    """A crash leaves both files: the next start goes on."""
    known = load_credentials(data)
    text = (data / CREDENTIALS_FILE).read_text()
    if written == "the copy":
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / CREDENTIALS_FILE).write_text(text)
    else:
        move_credentials(data, tmp_path / "secrets")
        (data / CREDENTIALS_FILE).write_text(text)
    move_credentials(data, tmp_path / "secrets")
    assert load_credentials(data) == known
    assert not (data / CREDENTIALS_FILE).exists()


def test_lost_secrets_are_not_replaced_by_new_ones(data: Path, tmp_path: Path) -> None:
    """New secrets could decrypt nothing: the error names the expected folder. Another stack's secrets are refused."""
    load_credentials(data)
    move_credentials(data, tmp_path / "secrets")
    lost = tmp_path / "secrets" / CREDENTIALS_FILE
    text = lost.read_text()
    lost.unlink()
    with pytest.raises(SecretsMissing, match=str(lost)):
        load_credentials(data)
    with pytest.raises(SecretsMissing, match=str(lost)):
        move_credentials(data, tmp_path / "secrets2")
    lost.write_text(text)
    another = tmp_path / "another"
    another.mkdir()
    load_credentials(another)
    with pytest.raises(SecretsMissing, match="another stack"):
        move_credentials(another, tmp_path / "secrets")

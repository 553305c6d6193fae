"""A stack with secrets that others could guess or read stays on its own machine."""

import re
from pathlib import Path

import pytest

from docstore_standalone.credentials import Credentials, S3Credentials, load_credentials, save_credentials
from docstore_standalone.lan.exposure import OF_OTHER_SYSTEMS, SECRET_NAME, WeakSecrets, check_secrets


def test_new_secrets_are_strong(tmp_path: Path) -> None:
    """Those of a new data folder pass, and so do other settings."""
    environment = {"ACCOUNTS_FIRST_ADMIN_EMAIL": "a@b", "DOCSTORE_S3_ACCESS_KEY_ID": "id", "GATEWAY_CSRF_SECRETS": ""}
    check_secrets(tmp_path, load_credentials(tmp_path), environment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACCOUNTS_FIRST_ADMIN_PASSWORD", "admin"),
        ("ACCOUNTS_FIRST_ADMIN_PASSWORD", "Password-1234"),
        ("DOCSTORE_INTERNAL_SECRET", "change-me"),
        ("GATEWAY_CSRF_SECRETS", "5nQ2rW8xZ1aB7cD3eF9g,short"),
        ("ANALYTICS_AUDIT_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ],
)
def test_weak_settings_are_named(tmp_path: Path, name: str, value: str) -> None:
    """The message names the setting, and not its value."""
    with pytest.raises(WeakSecrets, match=name) as refused:
        check_secrets(tmp_path, load_credentials(tmp_path), {name: value})
    assert value not in str(refused.value)


def test_secrets_of_other_systems_are_as_these_want_them(tmp_path: Path) -> None:
    """A mail provider's password may be short: who guesses it reaches the provider, with or without this stack."""
    assert all(SECRET_NAME.fullmatch(name) for name in OF_OTHER_SYSTEMS)
    environment = dict.fromkeys([*OF_OTHER_SYSTEMS, "NOTIFY_SMTP_PASSWORD"], "s3cret")
    check_secrets(tmp_path, load_credentials(tmp_path), environment)


def test_weak_stored_secrets_are_named(tmp_path: Path) -> None:
    """A secret that someone wrote into the file counts as well."""
    weak = Credentials(services=S3Credentials(secret_access_key="minioadmin"), admin_password="docstore")
    save_credentials(tmp_path, weak)
    with pytest.raises(WeakSecrets, match=r"admin_password, services\.secret_access_key"):
        check_secrets(tmp_path, load_credentials(tmp_path), {})


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Strong secrets are no use if every user of the machine has them."""
    credentials = load_credentials(tmp_path)
    (tmp_path / "credentials.json").chmod(0o644)
    with pytest.raises(WeakSecrets, match=re.escape(f"chmod 600 {tmp_path}")):
        check_secrets(tmp_path, credentials, {})

"""The stack's secrets."""

import json
from pathlib import Path

from docstore_standalone.credentials import CREDENTIALS_FILE, Credentials, load_credentials


def test_missing_secrets_of_an_older_folder_are_created_once(tmp_path: Path) -> None:
    """A secret that a newer version adds is the same at every start, and all others stay."""
    older = json.loads(Credentials.model_validate({}).model_dump_json(exclude={"server_secret"}))
    (tmp_path / CREDENTIALS_FILE).write_text(json.dumps(older))
    first = load_credentials(tmp_path)
    assert first.server_secret
    assert first == load_credentials(tmp_path)
    assert json.loads(first.model_dump_json(exclude={"server_secret"})) == older
    assert (tmp_path / CREDENTIALS_FILE).stat().st_mode & 0o777 == 0o600


def test_derived_keys_differ_by_purpose_and_folder() -> None:
    """Who has one of these secrets has none of the others."""
    one, other = Credentials.model_validate({}), Credentials.model_validate({})
    assert one.derived("a") == one.derived("a")
    assert len({one.derived("a"), one.derived("b"), other.derived("a"), one.server_secret}) == 4

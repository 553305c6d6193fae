"""Keys and secrets of services: creation, completion after an upgrade, rotation, distribution."""

import json
from pathlib import Path

from docstore_platform.security.service_keys import public_key_of
from docstore_platform.services import SERVICE_NAMES
from docstore_standalone.credentials import CREDENTIALS_FILE, load_credentials, rotate_secrets
from docstore_standalone.service_secrets import (
    IDENTITIES,
    NEVER_EXPIRE,
    OWNERS,
    PUBLIC_KEYS,
    SERVICE_KEY,
    only_for,
    variables,
    write_service_files,
)


def made(folder: Path) -> dict[str, str]:
    credentials = load_credentials(folder)
    return variables(credentials.service_keys, credentials.signing_secrets)


def test_each_service_gets_its_own_and_nothing_else(tmp_path: Path) -> None:
    """Indexer and media, which read untrusted contents, hold no secret that signs anything but their own calls: the
    indexer's encrypts the texts that it stores."""
    given = made(tmp_path) | {"DOCSTORE_REGION": "us-west-2", "UPLOAD_POLL_INTERVAL_SECONDS": "1"}
    everything = {value for keys in load_credentials(tmp_path).service_keys.values() for value in keys}
    for service in SERVICE_NAMES:
        own = only_for(service, given)
        assert own.keys() & OWNERS.keys() == {name for name, owners in OWNERS.items() if service in owners}
        assert {key for key in everything if key in own.values()} == {own[SERVICE_KEY]}
        assert public_key_of(own[SERVICE_KEY]) in json.loads(own[PUBLIC_KEYS])[service]
        assert own["DOCSTORE_REGION"] == "us-west-2"
        assert ("UPLOAD_POLL_INTERVAL_SECONDS" in own) is (service == "upload")
    assert only_for("indexer", given).keys() & OWNERS.keys() == {"INDEXER_TEXT_SECRETS"}
    assert not only_for("media", given).keys() & OWNERS.keys()


def test_a_folder_of_the_version_before_is_completed(tmp_path: Path) -> None:
    """Its one shared secret verifies what it has signed, and signs nothing any more; the rest stays as it was."""
    old = load_credentials(tmp_path).model_dump(mode="json")
    for name in ("service_keys", "signing_secrets"):
        del old[name]
    (tmp_path / CREDENTIALS_FILE).write_text(json.dumps(old | {"internal_secret": "shared"}))
    first, again = load_credentials(tmp_path), load_credentials(tmp_path)
    assert first == again
    assert first.admin_password == old["admin_password"]
    assert all(values[1:] == ["shared"] and values[0] != "shared" for values in first.signing_secrets.values())
    assert set(first.service_keys) == set(IDENTITIES)
    assert (tmp_path / CREDENTIALS_FILE).stat().st_mode & 0o777 == 0o600


def test_rotation_keeps_what_was_signed_good(tmp_path: Path) -> None:
    """The former secret is accepted until the next rotation; those of unsubscribe links and audit entries for ever."""
    before = load_credentials(tmp_path)
    rotate_secrets(tmp_path)
    rotate_secrets(tmp_path)
    after = load_credentials(tmp_path)
    for name, values in before.signing_secrets.items():
        assert (values[0] in after.signing_secrets[name]) is (name in NEVER_EXPIRE)
        assert len(after.signing_secrets[name]) == (3 if name in NEVER_EXPIRE else 2)
    assert all(len(keys) == 2 for keys in after.service_keys.values())
    assert after.root == before.root


def test_files_for_services_elsewhere(tmp_path: Path) -> None:
    """One for each, for its owner alone; all know each other's public keys."""
    folder = tmp_path / "keys"
    write_service_files(folder)
    assert {path.name for path in folder.iterdir()} == {*(f"{name}.env" for name in IDENTITIES), "shared.env"}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())
    public = json.loads((folder / "shared.env").read_text().partition("=")[2])
    for name in IDENTITIES:
        own = dict(line.split("=", 1) for line in (folder / f"{name}.env").read_text().splitlines())
        assert public[name] == [public_key_of(own[SERVICE_KEY])]
        assert own.keys() - {SERVICE_KEY} == {variable for variable, owners in OWNERS.items() if name in owners}

"""The stack's secrets: random, created at the first start, in one private file of the data folder or elsewhere."""

import hashlib
import hmac
import json
import secrets
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from docstore_standalone.service_secrets import Keys, new_service_keys, new_signing_secrets, rotated
from docstore_standalone.state import SecretsMissing, read_state, write_private, write_state

CREDENTIALS_FILE = "credentials.json"


class S3Credentials(BaseModel):
    model_config = ConfigDict(frozen=True)

    access_key_id: str = Field(default_factory=lambda: f"DOCSTORE{secrets.token_hex(6).upper()}")
    secret_access_key: str = Field(default_factory=lambda: secrets.token_urlsafe(30), repr=False)


class Credentials(BaseModel):
    """Credentials: `root` for everything, `services` for contents and previews, `broker` for the log's bucket."""

    model_config = ConfigDict(frozen=True)

    root: S3Credentials = Field(default_factory=S3Credentials)
    services: S3Credentials = Field(default_factory=S3Credentials)
    broker: S3Credentials = Field(default_factory=S3Credentials)
    sts_signing_key: str = Field(default_factory=lambda: secrets.token_hex(32), repr=False)
    service_keys: Keys = Field(default_factory=new_service_keys, repr=False)
    """Keys by which services authenticate to each other."""
    signing_secrets: Keys = Field(default_factory=new_signing_secrets, repr=False)
    """By variable, see `service_secrets.OWNERS`."""
    admin_password: str = Field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    """Password of the administrator that the standalone stack creates at its first start."""
    peer_secret: str = Field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    email_pepper: str = Field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """For several regions, these two are in the folder of all regions."""
    server_secret: str = Field(default_factory=lambda: secrets.token_hex(32), repr=False)
    """Base of the passwords and keys between the embedded servers and their clients."""

    def derived(self, purpose: str) -> str:
        """Derive a secret of 64 hexadecimal digits for one purpose, independent of those for others."""
        return hmac.new(bytes.fromhex(self.server_secret), purpose.encode(), hashlib.sha256).hexdigest()

    @model_validator(mode="before")
    @classmethod
    def _complete_earlier_version(cls, known: Any) -> Any:
        """Keep the single shared secret of an earlier version, so that its signatures stay valid."""
        shared = known.get("internal_secret", "")
        made = {"service_keys": new_service_keys(), "signing_secrets": new_signing_secrets(shared)}
        return {**known, **{name: {**values, **known.get(name, {})} for name, values in made.items()}}


def credentials_path(folder: Path) -> Path:
    """Return the file with the secrets of this data folder: in it, or where `move_credentials` has moved it."""
    return folder / (read_state(folder).credentials_file or CREDENTIALS_FILE)


def load_credentials(folder: Path) -> Credentials:
    """Load the secrets of this data folder; create them, or complete those of an earlier version.

    SecretsMissing if they were moved elsewhere and are not there: new ones could not decrypt what is stored.
    """
    path = credentials_path(folder)
    try:
        known = json.loads(path.read_bytes())
    except FileNotFoundError:
        if path.parent != folder:
            raise SecretsMissing(f"the secrets of {folder} are not at {path}, to which they were moved") from None
        known = {}
    credentials = Credentials.model_validate(known)
    if credentials.model_dump(mode="json") != known:
        save_credentials(folder, credentials)
    return credentials


def save_credentials(folder: Path, credentials: Credentials) -> None:
    write_private(credentials_path(folder), credentials.model_dump_json(indent=2))


def move_credentials(folder: Path, to: Path) -> None:
    """Move the secrets of a data folder to the folder `to`. Repeatable: a crash leaves them at one place at least.

    SecretsMissing if there are none, or those of another stack at `to`.
    """
    path, target = credentials_path(folder), to / CREDENTIALS_FILE
    if path != target:
        if path.exists() or not target.exists():
            load_credentials(folder)
            text = path.read_text("utf-8")
            if target.exists() and target.read_text("utf-8") != text:
                raise SecretsMissing(f"{target} contains the secrets of another stack than {folder}")
            write_private(target, text)
        write_state(folder, read_state(folder).model_copy(update={"credentials_file": str(target)}))
        path.unlink(missing_ok=True)
    (folder / CREDENTIALS_FILE).unlink(missing_ok=True)  # of a move that was cut off


def rotate_secrets(folder: Path) -> None:
    """Create new service keys and signing secrets for the next start; the previous ones stay accepted."""
    known = load_credentials(folder)
    update = {"service_keys": rotated(known.service_keys), "signing_secrets": rotated(known.signing_secrets)}
    save_credentials(folder, known.model_copy(update=update))

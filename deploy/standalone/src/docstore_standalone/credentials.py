"""The stack's secrets: random, made at the first start, in one file that only its owner may read."""

import secrets
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from docstore_standalone.state import write_private

CREDENTIALS_FILE = "credentials.json"


class S3Credentials(BaseModel):
    model_config = ConfigDict(frozen=True)

    access_key_id: str = Field(default_factory=lambda: f"DOCSTORE{secrets.token_hex(6).upper()}")
    secret_access_key: str = Field(default_factory=lambda: secrets.token_urlsafe(30), repr=False)


class Credentials(BaseModel):
    """Who may do what: `root` all, `services` those of contents and previews, `broker` the log's bucket."""

    model_config = ConfigDict(frozen=True)

    root: S3Credentials = Field(default_factory=S3Credentials)
    services: S3Credentials = Field(default_factory=S3Credentials)
    broker: S3Credentials = Field(default_factory=S3Credentials)
    sts_signing_key: str = Field(default_factory=lambda: secrets.token_hex(32), repr=False)
    internal_secret: str = Field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    admin_password: str = Field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    """Of the account with role admin that the standalone stack makes at its first start."""
    peer_secret: str = Field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    email_pepper: str = Field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """These two of several regions are those of the folder that holds them all."""


def load_credentials(folder: Path) -> Credentials:
    """Those of this data folder; made if it has none."""
    path = folder / CREDENTIALS_FILE
    try:
        return Credentials.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        made = Credentials()
        write_private(path, made.model_dump_json(indent=2))
        return made

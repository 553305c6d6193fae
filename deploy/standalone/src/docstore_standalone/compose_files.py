"""Secrets and configuration for docker-compose.yml: made once, random, readable by their owner alone.

`python -m docstore_standalone.compose_files` writes `.env` beside docker-compose.yml and the object store's
configuration into `deploy/compose/state/`; what is there already is kept.
"""

import json
import secrets
from pathlib import Path

from docstore_platform.settings import SERVICE_NAMES
from docstore_standalone.credentials import Credentials, load_credentials
from docstore_standalone.object_store import iam_config, identities
from docstore_standalone.state import write_private

REGION = "us-west-2"
READ_BY_ITS_CONTAINER = 0o644
"""SeaweedFS runs as a user of its own; the folder above is closed to everybody else."""


def write_compose_files(project: Path) -> bool:
    """Whether anything had to be written."""
    variables, state = project / ".env", project / "deploy" / "compose" / "state"
    if variables.exists() and (state / "s3.json").exists():
        return False
    state.mkdir(parents=True, exist_ok=True, mode=0o711)
    credentials = load_credentials(state)
    buckets = [f"docstore-content-{REGION}"]
    for name, content in (
        ("s3.json", identities(credentials, buckets, f"docstore-broker-{REGION}")),
        ("iam.json", iam_config(credentials, buckets)),
    ):
        write_private(state / name, json.dumps(content, indent=2))
        (state / name).chmod(READ_BY_ITS_CONTAINER)
    write_private(variables, "".join(f"{name}={value}\n" for name, value in _variables(credentials).items()))
    return True


def _variables(credentials: Credentials) -> dict[str, str]:
    passwords = {service: secrets.token_urlsafe(24) for service in SERVICE_NAMES}
    return {
        "DOCSTORE_INTERNAL_SECRET": credentials.internal_secret,
        "DOCSTORE_S3_ACCESS_KEY_ID": credentials.services.access_key_id,
        "DOCSTORE_S3_SECRET_ACCESS_KEY": credentials.services.secret_access_key,
        "ADMIN_PASSWORD": credentials.admin_password,
        "MONGO_ADMIN_PASSWORD": secrets.token_urlsafe(24),
        "MONGO_KEY": secrets.token_hex(64),
        "MONGO_PASSWORDS": json.dumps(passwords, separators=(",", ":")),
        **{f"MONGO_{service.upper()}_PASSWORD": password for service, password in passwords.items()},
    }


if __name__ == "__main__":
    written = write_compose_files(Path.cwd())
    print("wrote .env and deploy/compose/state" if written else ".env and deploy/compose/state are there")

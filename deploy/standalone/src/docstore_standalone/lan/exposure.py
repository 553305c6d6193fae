"""Checks the secrets of a stack before other machines can reach it."""

import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docstore_platform.services import SERVICE_NAMES
from docstore_standalone.credentials import Credentials, credentials_path

SECRET_NAME = re.compile(r"(DOCSTORE|{})_.*(SECRETS?|PASSWORD|PEPPER|KEY)".format("|".join(SERVICE_NAMES).upper()))
OF_OTHER_SYSTEMS = frozenset(
    {
        "DOCSTORE_KAFKA_PASSWORD",
        "DOCSTORE_S3_REPLICA_SECRET_ACCESS_KEY",
        "INDEXER_OPENSEARCH_PASSWORD",
        "INDEXER_TRANSCRIPTION_KEY",
        "NOTIFY_AWS_SECRET_ACCESS_KEY",
        "NOTIFY_SES_SECRET_ACCESS_KEY",
        "NOTIFY_SMTP_PASSWORD",
    }
)
"""Settings with secrets that those who run these systems choose; the proxy leads to none of them."""
MIN_LENGTH = 16
MIN_PASSWORD_LENGTH = 12
MIN_CHARACTERS = 8
"""Different ones: a secret of fewer was typed, not drawn."""
DEFAULTS = (
    "changeme",
    "change-me",
    "password",
    "secret",
    "minioadmin",
    "docstore",
    "example",
    "admin",
    "test",
    "default",
)
MARKS = re.compile(r"[^a-z]")


class WeakSecrets(ValueError):
    """Names secrets that others could guess or read."""


def check_secrets(folder: Path, credentials: Credentials, environment: Mapping[str, str]) -> None:
    """WeakSecrets if others could guess a secret of this stack, or other users of this machine can read them."""
    names = {name for name in environment if SECRET_NAME.fullmatch(name)} - OF_OTHER_SYSTEMS
    given = {name: environment[name] for name in names if environment[name]}
    stored = dict(_texts(credentials.model_dump(mode="json")))
    weak = sorted(name for name, value in {**stored, **given}.items() if _is_weak(name, value))
    path = credentials_path(folder)
    if weak:
        raise WeakSecrets(
            f"--lan needs strong secrets; these are defaults or too short: {', '.join(weak)} (from the environment, "
            f"or in {path}). Unset them, or use random ones of at least {MIN_LENGTH} characters"
        )
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise WeakSecrets(f"other users can read the secrets in {path}: run chmod 600 {path}, then rotate them")


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every secret with its path."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, f"{name}[{number}]")
    elif not name.endswith("access_key_id"):
        yield name, str(value)


def _is_weak(name: str, value: str) -> bool:
    """Several secrets of one setting are separated by commas."""
    least = MIN_PASSWORD_LENGTH if "password" in name.lower() else MIN_LENGTH
    return any(
        len(each) < least or len(set(each)) < MIN_CHARACTERS or MARKS.sub("", each.lower()) in DEFAULTS
        for each in value.split(",")
    )

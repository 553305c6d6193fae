"""Keys and secrets of the services: their owners and rotation."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from docstore_platform.security.service_keys import OPERATOR, new_service_key, public_keys_json
from docstore_platform.services import SERVICE_NAMES, ServiceName, needs_of
from docstore_standalone.state import write_private

IDENTITIES = (*SERVICE_NAMES, OPERATOR)
SERVICE_KEY = "DOCSTORE_SERVICE_KEY"
PUBLIC_KEYS = "DOCSTORE_SERVICE_PUBLIC_KEYS"
OWNERS: dict[str, tuple[ServiceName, ...]] = {
    secret: tuple(name for name in SERVICE_NAMES if secret in needs_of(name).secrets)
    for service in SERVICE_NAMES
    for secret in needs_of(service).secrets
}
"""Secrets by variable: one for each purpose, with the services that have it."""
NEVER_EXPIRE = frozenset(
    {
        "METADATA_LINK_TOKEN_SECRETS",
        "NOTIFY_PUSH_SECRETS",
        "NOTIFY_UNSUBSCRIBE_SECRET",
        "ANALYTICS_AUDIT_KEY",
        "INDEXER_TEXT_SECRETS",
    }
)
"""What these sign or encrypt never expires, so all earlier secrets are kept."""

Keys = dict[str, list[str]]
"""By name; the current one first."""


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def new_service_keys() -> Keys:
    return {name: [new_service_key()] for name in IDENTITIES}


def new_signing_secrets(shared_secret: str = "") -> Keys:
    """One secret for each purpose. Signatures of an earlier version's single shared secret stay valid."""
    return {name: [new_secret(), shared_secret] if shared_secret else [new_secret()] for name in OWNERS}


def rotated(keys: Keys) -> Keys:
    """Return a new current key for each name; the previous one is still accepted."""
    made = {name: new_service_key() if name in IDENTITIES else new_secret() for name in keys}
    return {name: [made[name], *(earlier if name in NEVER_EXPIRE else earlier[:1])] for name, earlier in keys.items()}


def variables(service_keys: Keys, signing_secrets: Keys) -> dict[str, str]:
    """Settings of a process that runs all services."""
    private = {name: keys[0] for name, keys in service_keys.items()}
    return {
        SERVICE_KEY: json.dumps(private, separators=(",", ":")),
        PUBLIC_KEYS: public_keys_json(service_keys),
        **{name: ",".join(values) for name, values in signing_secrets.items()},
    }


def only_for(service: ServiceName, given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that one service needs, without those that would let it impersonate another."""
    foreign = tuple(f"{name.upper()}_" for name in SERVICE_NAMES if name != service)
    own = {
        name: value
        for name, value in given.items()
        if not name.startswith(foreign) and service in OWNERS.get(name, (service,))
    }
    if own.get(SERVICE_KEY, "").startswith("{"):
        own[SERVICE_KEY] = json.loads(own[SERVICE_KEY])[service]
    return own


def write_service_files(folder: Path) -> None:
    """Write a file of variables for each service and the operator, and `shared.env` for all. FileExistsError."""
    folder.mkdir(mode=0o700, parents=True)
    made = variables(new_service_keys(), new_signing_secrets())
    private = json.loads(made[SERVICE_KEY])
    for name in IDENTITIES:
        own = {SERVICE_KEY: private[name], **{key: made[key] for key, owners in OWNERS.items() if name in owners}}
        write_private(folder / f"{name}.env", _lines(own))
    write_private(folder / "shared.env", _lines({PUBLIC_KEYS: made[PUBLIC_KEYS]}))


def _lines(given: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in given.items())

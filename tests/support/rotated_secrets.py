"""All keys and secrets of a release's services, replaced step by step (docs/runbook/rotate-secrets.md)."""

import json
from collections.abc import Callable, Mapping

from installed_chart import Installed

from docstore_platform.security.service_keys import new_service_key, public_key_of
from docstore_platform.services import SERVICE_NAMES
from docstore_standalone.service_secrets import NEVER_EXPIRE, OWNERS, PUBLIC_KEYS, SERVICE_KEY, new_secret

SHARED = "docstore"


class Rotation:
    """New ones for a release. After each step its pods have to be restarted before the next."""

    def __init__(self, installed: Installed) -> None:
        self._installed = installed
        self._keys = {service: new_service_key() for service in SERVICE_NAMES}
        self._new = {name: new_secret() for name in OWNERS}
        self._former_keys: dict[str, list[str]] = json.loads(installed.secrets[SHARED][PUBLIC_KEYS])
        self._former = {name: installed.secrets[_secret(owners[0])][name] for name, owners in OWNERS.items()}

    def accept_new(self) -> None:
        """Every instance verifies what the new ones sign; none signs with them."""
        self._write_public(lambda service, former: [*former, public_key_of(self._keys[service])])
        self._write_own({name: f"{former},{self._new[name]}" for name, former in self._former.items()})

    def use_new(self) -> None:
        """Sign with the new ones, while instances that have not been restarted still use the former."""
        self._write_own({name: f"{self._new[name]},{former}" for name, former in self._former.items()}, self._keys)

    def forget_former(self) -> None:
        """Keep only those former secrets whose signatures never expire."""
        self._write_public(lambda service, former: [public_key_of(self._keys[service])])
        kept = {name: f",{former}" if name in NEVER_EXPIRE else "" for name, former in self._former.items()}
        self._write_own({name: self._new[name] + former for name, former in kept.items()})

    def _write_public(self, keys_of: Callable[[str, list[str]], list[str]]) -> None:
        public = {
            name: keys_of(name, former) if name in self._keys else former for name, former in self._former_keys.items()
        }
        self._installed.write_secret(SHARED, {PUBLIC_KEYS: json.dumps(public, separators=(",", ":"))})

    def _write_own(self, secrets: Mapping[str, str], keys: Mapping[str, str] | None = None) -> None:
        for service in SERVICE_NAMES:
            variables = self._installed.secrets[_secret(service)]
            own = {name: value for name, value in secrets.items() if service in OWNERS[name]}
            key = {SERVICE_KEY: keys[service]} if keys else {}
            self._installed.write_secret(_secret(service), {**variables, **own, **key})


def _secret(service: str) -> str:
    return f"docstore-{service}"

"""Builds settings for running servers as from a service's environment."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docstore_standalone.servers import Servers

SHARED = "DOCSTORE_"


def infra_values(servers: "Servers") -> dict[str, Any]:
    """Fields of InfraSettings, with the keys and secrets of all services."""
    given = servers.environment()
    values: dict[str, Any] = {
        name.removeprefix(SHARED).lower(): value for name, value in given.items() if name.startswith(SHARED)
    }
    return {**values, "service_public_keys": json.loads(values["service_public_keys"])}


def service_secrets(servers: "Servers") -> Mapping[str, str]:
    """Variables of single services, which their settings take from the environment."""
    return {name: value for name, value in servers.environment().items() if not name.startswith(SHARED)}

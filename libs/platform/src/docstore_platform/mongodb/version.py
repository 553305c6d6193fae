"""Supported versions of MongoDB. Without the driver: the supervisor of a stack need not load it."""

from collections.abc import Mapping
from typing import Any

import structlog

OLDEST_SERVER, FIRST_UNTRIED_SERVER = (6, 0), (9, 0)

log = structlog.get_logger(__name__)


def check_server_version(build_info: Mapping[str, Any]) -> None:
    """Log a warning if the server is newer than the tested versions. ValueError if it is too old."""
    version = tuple(build_info["versionArray"][:2])
    if version < OLDEST_SERVER:
        oldest = ".".join(map(str, OLDEST_SERVER))
        raise ValueError(f"MongoDB {build_info['version']} is too old: DocStore needs {oldest} or newer")
    if version >= FIRST_UNTRIED_SERVER:
        log.warning("mongodb_version_untried", version=build_info["version"], supported="6.0 to 8.x")

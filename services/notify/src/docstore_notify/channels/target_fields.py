"""Fields of a subscription's `target` as a client entered them, read one by one and checked."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from docstore_platform.errors import DomainError, Invalid

MAX_ADDRESS = 2048
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""JSON can spell half of a surrogate pair, which no database accepts."""


class TargetFields:
    """Entered fields, each to be taken once."""

    def __init__(self, target: Mapping[str, Any]) -> None:
        self._rest = dict(target)

    def __contains__(self, name: str) -> bool:
        return name in self._rest

    def take(self, name: str) -> str:
        value = self._rest.pop(name, "")
        if not isinstance(value, str) or len(value) > MAX_ADDRESS or HALF_CHARACTER.search(value):
            raise invalid_target(f"{name} must be a string of up to {MAX_ADDRESS} characters.", name)
        return value

    def end(self) -> None:
        if self._rest:
            raise invalid_target(f"The target has unknown fields: {', '.join(sorted(map(ascii, self._rest)))}.")


def split_url(url: str, field: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise invalid_target(f"This is not a URL: {error}.", field) from error
    if port == 0:
        raise invalid_target("Port 0 is not a valid port.", field)
    return parts


def invalid_target(detail: str, field: str = "") -> DomainError:
    """Return the error; `errors` names the field, as for a request that does not match its schema."""
    errors = [{"field": f"body.target.{field}", "message": detail}] if field else []
    return Invalid(detail, code="invalid_target", errors=errors)

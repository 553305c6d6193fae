"""The `Allow` header of a 405: the methods that the OpenAPI document has for a path."""

import re
from functools import cache
from importlib.resources import files

import orjson

DESCRIPTION_FILE = "openapi.json"


@cache
def _methods_by_path() -> list[tuple[re.Pattern[str], frozenset[str]]]:
    """Templates come last: a plain path is no value of a template's parameter."""
    paths = orjson.loads(files("docstore_gateway").joinpath(DESCRIPTION_FILE).read_bytes())["paths"]
    return [
        (re.compile(re.sub(r"\\{.*?\\}", "[^/]+", re.escape(path))), frozenset(map(str.upper, item)))
        for path, item in sorted(paths.items(), key=lambda entry: entry[0].count("{"))
    ]


def allowed_methods(path: str) -> str:
    """Return the value of `Allow`; empty for an unknown path."""
    return ", ".join(next((sorted(found) for pattern, found in _methods_by_path() if pattern.fullmatch(path)), ()))

"""Writes docs/reference/api.md from the OpenAPI document: `python tools/generate_api_page.py`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from json_refs import resolved
from openapi_document import operations
from tables import cell, table, without_html

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "services/gateway/src/docstore_gateway/openapi.json"
TARGET = ROOT / "docs/reference/api.md"
HEAD = """# HTTP API

Every route with its parameters and the fields of its request. A running server describes them with all responses and
examples at `/docs`, as does [openapi.json](../../services/gateway/src/docstore_gateway/openapi.json).
[Call the API](../using.md#call-the-api) shows the first steps. Fields and parameters that a route does not have are
refused. Each call that changes something takes an `Idempotency-Key` of 1 to 255 printable ASCII characters: sent again
with the same key, it returns the first response and changes nothing.
"""
EVERYWHERE = {"Idempotency-Key"}
"""Parameters that the page describes once."""

Json = dict[str, Any]


def text() -> str:
    """A section for each tag, and in it one for each route."""
    document = json.loads(SOURCE.read_text("utf-8"))
    routes: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for method, path, operation in operations(document):
        routes.setdefault(operation["tags"][0], []).append("\n".join(_route(document, method, path, operation)))
    told = {tag["name"]: tag.get("description", "") for tag in document["tags"]}
    parts = [f"## {name}\n\n{told.get(name, '')}\n\n" + "\n".join(each) for name, each in routes.items() if each]
    return "\n".join([HEAD, *parts])


def _route(document: Json, method: str, path: str, operation: Json) -> Iterator[str]:
    yield f"### {operation['summary']}\n"
    yield f"`{method.upper()} {path}`\n"
    yield without_html(operation.get("description", "")) + "\n"
    parameters = [resolved(document, each) for each in operation.get("parameters", [])]
    rows = [_row(document, each) for each in parameters if each["name"] not in EVERYWHERE]
    content = operation.get("requestBody", {}).get("content", {})
    body = resolved(document, content["application/json"]["schema"]) if "application/json" in content else {}
    required = set(body.get("required", ()))
    rows += [
        _row(document, {"name": name, "in": "body", "required": name in required, "schema": field, **field})
        for name, field in body.get("properties", {}).items()
    ]
    if rows:
        yield table(("name", "in", "type", ""), rows)


def _row(document: Json, parameter: Json) -> tuple[str, str, str, str]:
    optional = "" if parameter.get("required") else ", optional"
    kind = _kind(document, parameter["schema"])
    return f"`{parameter['name']}`", parameter["in"] + optional, cell(kind), cell(parameter.get("description", ""))


def _kind(document: Json, schema: Json) -> str:
    schema = resolved(document, schema)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            kinds = [_kind(document, each) for each in schema[choice] if each.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema.get('items', {}))}"
    return str(schema.get("format", schema.get("type", "any")))


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text(), "utf-8")

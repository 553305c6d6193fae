"""Writes the Postman collection of the public API from its OpenAPI document: `python tools/generate_postman.py`.

Collection variables: `base_url`, and `access_token`, which *Log in* fills.
"""

import json
from pathlib import Path
from typing import Any

from json_refs import resolved

from docstore_gateway.edge.openapi import operations

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "services/gateway/src/docstore_gateway/openapi.json"
TARGET = ROOT / "docs/api/docstore.postman_collection.json"
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
KEEP_TOKEN = [
    "if (pm.response.code === 201) {",
    "  pm.collectionVariables.set('access_token', pm.response.json().access_token);",
    "}",
]
MAX_DEPTH = 6

Json = dict[str, Any]


def text() -> str:
    """The collection as Postman imports it."""
    document = json.loads(SOURCE.read_text("utf-8"))
    folders: dict[str, list[Json]] = {tag["name"]: [] for tag in document["tags"]}
    for method, path, operation in operations(document):
        folders.setdefault(operation["tags"][0], []).append(_item(document, method, path, operation))
    collection = {
        "info": {"name": document["info"]["title"], "description": document["info"]["description"], "schema": SCHEMA},
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{access_token}}", "type": "string"}]},
        "variable": [{"key": "base_url", "value": "http://127.0.0.1:8080"}, {"key": "access_token", "value": ""}],
        "item": [{"name": name, "item": items} for name, items in folders.items() if items],
    }
    return json.dumps(collection, indent=1, ensure_ascii=False) + "\n"


def _item(document: Json, method: str, path: str, operation: Json) -> Json:
    parameters = [resolved(document, parameter) for parameter in operation.get("parameters", [])]
    request: Json = {
        "method": method.upper(),
        "description": operation.get("description", ""),
        "header": [],
        "url": {
            "raw": "{{base_url}}" + path,
            "host": ["{{base_url}}"],
            "path": [f":{part[1:-1]}" if part.startswith("{") else part for part in path.strip("/").split("/")],
            "query": [_field(each, disabled=not each.get("required")) for each in parameters if each["in"] == "query"],
            "variable": [_field(each) for each in parameters if each["in"] == "path"],
        },
    }
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if schema is not None:
        request["header"].append({"key": "Content-Type", "value": "application/json"})
        body = json.dumps(_example(document, schema), indent=2)
        request["body"] = {"mode": "raw", "raw": body, "options": {"raw": {"language": "json"}}}
    if operation.get("security") == []:
        request["auth"] = {"type": "noauth"}
    item: Json = {"name": operation["summary"], "request": request, "response": []}
    if (method, path) == ("post", "/v1/sessions"):
        item["event"] = [{"listen": "test", "script": {"type": "text/javascript", "exec": KEEP_TOKEN}}]
    return item


def _field(parameter: Json, *, disabled: bool = False) -> Json:
    name = f"{parameter['name']}.NAME" if parameter.get("explode") else parameter["name"]
    field: Json = {"key": name, "value": "", "description": parameter.get("description", "")}
    return {**field, "disabled": True} if disabled else field


def _example(document: Json, schema: Json, depth: int = 0) -> Any:
    """Something of the right form: what must be there, and what has a default."""
    schema = resolved(document, schema)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _example(document, schema[choice][0], depth)
    if "default" in schema or "enum" in schema or "const" in schema:
        return schema.get("default", schema.get("const", next(iter(schema.get("enum", [])), None)))
    if schema.get("type") == "object" and depth < MAX_DEPTH:
        required = set(schema.get("required", ())) or set(schema.get("properties", ()))
        return {
            name: _example(document, field, depth + 1)
            for name, field in schema.get("properties", {}).items()
            if name in required
        }
    if schema.get("type") == "array":
        return [_example(document, schema.get("items", {}), depth + 1)] if depth < MAX_DEPTH else []
    return {"integer": 1, "number": 1.0, "boolean": True}.get(schema.get("type", ""), "")


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text(), "utf-8")

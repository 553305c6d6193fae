"""Writes the Postman collection of the public API from its OpenAPI document: `python tools/generate_postman.py`.

Collection variables: `base_url`, and `access_token`, which *Log in* fills.
"""

import json
from pathlib import Path
from typing import Any

from json_refs import resolved
from openapi_document import operations

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "services/gateway/src/docstore_gateway/openapi.json"
TARGET = ROOT / "docs/api/docstore.postman_collection.json"
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
KEEP_TOKEN = [
    "if (pm.response.code === 201) {",
    "  pm.collectionVariables.set('access_token', pm.response.json().access_token);",
    "}",
]

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
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is not None:
        request["header"].append({"key": "Content-Type", "value": "application/json"})
        example = content["example"] if "example" in content else resolved(document, content["schema"])["examples"][0]
        body = json.dumps(example, indent=2)
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


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text(), "utf-8")

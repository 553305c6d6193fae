"""Examples of request and response bodies, made from their schemas and from typical values of fields."""

import json
from collections.abc import Iterator
from typing import Any

from json_refs import resolved
from jsonschema_rs import Draft202012Validator, Registry

Json = dict[str, Any]

BASE = "urn:docstore:api"
ID = "0199f3c2a7d17c5e9d0b3f6a8e2c4d10"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
TYPICAL: Json = {
    "action": "file.read",
    "address": "ada@example.org",
    "browser": "Firefox",
    "bucket": "docstore-contents",
    "code": "123456",
    "content_type": "application/pdf",
    "cursor": "eyJzIjo0Mn0",
    "detail": "The upload is not complete.",
    "device_name": "Ada's laptop",
    "display_name": "Ada Lovelace",
    "email": "ada@example.org",
    "etag": '"4f1c"',
    "hash": SHA256,
    "home_region": "eu-central-1",
    "key": "accounts/ada/report",
    "languages": ["eng", "deu"],
    "limit": 5368709120,
    "method": "put",
    "modified_by_name": "Ada Lovelace",
    "name": "report.pdf",
    "next_cursor": None,
    "owner_name": "Ada Lovelace",
    "password": "correct horse battery staple",
    "path": "/work/report.pdf",
    "phone_number": "+4915112345678",
    "q": "quarterly report",
    "region": "eu-central-1",
    "sha256": SHA256,
    "size": 48213,
    "tags": ["report"],
    "token": "lWq0Zr9vQyKx",
    "type": "application/pdf",
    "url": "https://docs.example.org/signed",
    "user_agent": "Mozilla/5.0",
    "version": 3,
}
"""Values by the name of the field, where the schema allows them."""
MOMENT = "2026-11-22T08:30:00.000Z"
BY_FORMAT = {"date-time": MOMENT, "date": "2026-11-22"}
MAX_DEPTH = 8
JSON_TYPE = "application/json"


class Examples:
    """Makes examples of the schemas of one document, and checks each of them."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._registry = Registry([(BASE, document)])

    def of(self, schema: Json) -> Any:
        """Return a value that the schema allows; ValueError if none was found."""
        example = self._value("", schema, 0)
        problem = next(self._validator(schema).iter_errors(example), None)
        if problem is not None:
            raise ValueError(f"no example of {schema}: {problem.message} in {json.dumps(example)[:500]}")
        return example

    def _validator(self, schema: Json) -> Draft202012Validator:
        absolute = json.loads(json.dumps(schema).replace('"#/', f'"{BASE}#/'))
        return Draft202012Validator(absolute, registry=self._registry)

    def _value(self, name: str, schema: Json, depth: int) -> Any:
        for candidate in self._candidates(name, schema, depth):
            if self._validator(schema).is_valid(candidate):
                return candidate
        return None

    def _candidates(self, name: str, schema: Json, depth: int) -> Iterator[Any]:
        schema = resolved(self._document, schema)
        yield from schema.get("examples", ())[:1]
        if name in TYPICAL:
            yield TYPICAL[name]
        if "const" in schema:
            yield schema["const"]
        if schema.get("default") is not None:
            yield schema["default"]
        yield from schema.get("enum", ())[:1]
        if name.endswith(("id", "_by")):
            yield ID
        if schema.get("format") in BY_FORMAT:
            yield BY_FORMAT[schema["format"]]
        for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            if choice.get("type") != "null" and "properties" not in schema:
                yield self._value(name, choice, depth)
        yield from self._by_type(name, schema, depth)
        yield None

    def _by_type(self, name: str, schema: Json, depth: int) -> Iterator[Any]:
        match schema.get("type"):
            case "object" if depth < MAX_DEPTH:
                yield from self._objects(schema, depth)
            case "array":
                item = self._value(name.removesuffix("s"), schema.get("items", {}), depth + 1)
                yield [] if depth >= MAX_DEPTH or item is None else [item]
                yield []
            case "integer" | "number":
                yield from (12, schema.get("minimum", 0), 0)
            case "boolean":
                yield from (False, True)
            case "string":
                words = name.replace("_", " ").capitalize() or "Text"
                yield from (words, "eng", "0" * 64, "https://docs.example.org/", "")

    def _objects(self, schema: Json, depth: int) -> Iterator[Json]:
        """Yield the object with its required fields, or all if none is; then also with each alternative of those.

        A map is shown with the first of its possible names.
        """
        names, values = schema.get("propertyNames", {}).get("enum", ())[:1], schema.get("additionalProperties")
        if isinstance(values, dict):
            yield from ({name: self._value("", values, depth + 1)} for name in names)
        required, every = set(schema.get("required", ())), set(schema.get("properties", ()))
        yield self._object(schema, required or every, depth)
        rules = [schema, *schema.get("allOf", ())]
        choices = [set(choice.get("required", ())) for rule in rules for choice in rule.get("oneOf", ())]
        yield from (self._object(schema, required | one | two, depth) for one in choices for two in choices)
        yield self._object(schema, every, depth)

    def _object(self, schema: Json, names: set[str], depth: int) -> Json:
        fields = schema.get("properties", {})
        return {name: self._value(name, fields[name], depth + 1) for name in fields if name in names}


def add_examples(document: Json) -> None:
    """Add an example to each JSON body: to its schema if that is shared, else to the body."""
    examples = Examples(document)
    schemas = document["components"]["schemas"]
    for item in document["paths"].values():
        for operation in item.values():
            for content in _bodies(operation):
                schema = content["schema"]
                name = schema.get("$ref", "").rpartition("/")[2]
                if not name:
                    content["example"] = examples.of(schema)
                elif "examples" not in schemas[name]:
                    schemas[name]["examples"] = [examples.of(schema)]


def _bodies(operation: Json) -> Iterator[Json]:
    responses = [response for status, response in operation["responses"].items() if status.startswith("2")]
    for holder in (operation.get("requestBody", {}), *responses):
        if JSON_TYPE in holder.get("content", {}):
            yield holder["content"][JSON_TYPE]

"""The committed OpenAPI document is what the services serve."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import generate_openapi
from json_refs import resolved
from openapi_document import operations
from openapi_spec_validator import validate

ROOT = Path(__file__).parents[2]
REFERENCE = re.compile(r'"#/components/schemas/(\w+)"')


def test_committed_document_is_the_generated_one() -> None:
    """An account that changes a public route runs `make generate`, so that clients read what is served."""
    assert generate_openapi.TARGET.read_bytes() == generate_openapi.generate(), "run: make generate"


def test_document_is_valid_openapi() -> None:
    """Tools that read OpenAPI 3.1 can read ours."""
    validate(json.loads(generate_openapi.TARGET.read_bytes()))


def test_every_operation_has_an_error_answer_and_a_description() -> None:
    """A reader finds for each call its area, a summary and the form of its errors."""
    document = json.loads(generate_openapi.TARGET.read_bytes())
    for method, path, operation in operations(document):
        assert operation["tags"], (method, path)
        assert operation["summary"], (method, path)
        assert operation["responses"]["default"], (method, path)


def test_paths_of_the_public_contract_are_described() -> None:
    """The routes that were promised by name are all there."""
    document = json.loads(generate_openapi.TARGET.read_bytes())
    described = {f"{method.upper()} {path}" for method, path, _ in operations(document)}
    promised = (ROOT / "tests/contract/promised_routes.txt").read_text().split("\n")
    missing = [line for line in promised if line and _normal(line) not in {_normal(known) for known in described}]
    assert not missing


def test_no_body_takes_fields_that_it_does_not_have() -> None:
    """What is misspelt, or not to be changed there, is refused and not passed over in silence."""
    document = json.loads(generate_openapi.TARGET.read_bytes())
    bodies = [
        operation["requestBody"]["content"] for _, _, operation in operations(document) if "requestBody" in operation
    ]
    schemas = [schema for body in bodies if "application/json" in body for schema in _objects(body, document)]
    assert len(schemas) > 20
    assert [schema.get("title", schema) for schema in schemas if schema["additionalProperties"] is not False] == []


def _objects(node: Any, document: Any) -> Iterator[Any]:
    """Every object with fields that is part of a schema; alternatives that have no type only say more of one."""
    if isinstance(node, list):
        for item in node:
            yield from _objects(item, document)
    elif isinstance(node, dict):
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            yield from _objects(document["components"]["schemas"][name], document)
        if "properties" in node and "type" in node:
            yield {"additionalProperties": True, **node}
        for item in node.values():
            yield from _objects(item, document)


def test_every_json_answer_has_a_schema() -> None:
    """Readers and generators of clients learn of each field what it is called and what it holds."""
    document = json.loads(generate_openapi.TARGET.read_bytes())
    empty = [
        (method, path, status)
        for method, path, operation in operations(document)
        for status, answer in operation["responses"].items()
        for media_type, content in answer.get("content", {}).items()
        if status.startswith("2") and media_type == "application/json" and not content.get("schema")
    ]
    assert not empty


def test_every_field_of_an_answer_is_described() -> None:
    """Units, what null means, what a number counts: a reader need not try it out. Requests are another matter."""
    document = json.loads(generate_openapi.TARGET.read_bytes())
    bare = {
        f"{name}.{field}"
        for name in _answers(document)
        for field, schema in document["components"]["schemas"][name].get("properties", {}).items()
        if not resolved(document, schema).get("description") and "description" not in schema
    }
    assert not bare


def _answers(document: dict[str, Any]) -> set[str]:
    """Names of the schemas that success answers are made of."""
    found: set[str] = set()
    waiting = [
        answer
        for _, _, operation in operations(document)
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    ]
    while waiting:
        names = set(REFERENCE.findall(json.dumps(waiting.pop()))) - found
        found |= names
        waiting += [document["components"]["schemas"][name] for name in names]
    return found


def _normal(route: str) -> str:
    """Names of path parameters don't matter."""
    return "/".join("{}" if segment.startswith("{") else segment for segment in route.split("/"))

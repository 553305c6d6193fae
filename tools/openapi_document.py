"""Composes the public API's OpenAPI document from those of the services."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from openapi_examples import add_examples
from openapi_shared import (
    API_VERSION,
    DESCRIPTION,
    IDEMPOTENCY_KEY,
    LICENSE,
    ON_EVERY_RESPONSE,
    PARAMETER_TEXTS,
    PROBLEM_RESPONSE,
    RESPONSE_HEADERS,
    TAG_TEXTS,
    VERB,
    problem_schema,
    refs,
    with_problem,
)

from docstore_gateway.edge.routes import MUTATING, ROUTES, find_route, ignores_key, open_limit
from docstore_platform.http.response_models import DESCRIBED_ELSEWHERE
from docstore_platform.services import ServiceName

Json = dict[str, Any]

METHOD_ORDER = ("get", "post", "put", "patch", "delete")
_KEY_REF = {"$ref": "#/components/parameters/IdempotencyKey"}
_FRAMEWORK_SCHEMAS = frozenset({"HTTPValidationError", "ValidationError"})
"""FastAPI's own errors, which our services replace by problems."""


def compose(documents: Mapping[str, Json], problem_codes: Sequence[str], public_url: str = "/") -> Json:
    """Compose one document of the services' documents, given by service name.

    ValueError if a service describes a path that is not routed to it, two describe one operation, the name of an
    operation does not begin with a verb, or a parameter has no description.
    """
    schemas: Json = {"Problem": problem_schema(problem_codes)}
    paths: dict[str, Json] = {}
    for service, document in sorted(documents.items()):
        renamed = _rename_clashing(service, document, schemas)
        for path, item in renamed["paths"].items():
            if find_route(path).owner != service:
                raise ValueError(f"{service} describes {path}, which is not routed to it")
            paths[path] = {method: _operation(method, path, item[method]) for method in METHOD_ORDER if method in item}
    composed: Json = {
        "openapi": "3.1.0",
        "info": {"title": "DocStore", "version": API_VERSION, "description": DESCRIPTION, "license": LICENSE},
        "servers": [{"url": public_url}],
        "tags": [{"name": tag, "description": TAG_TEXTS[tag]} for tag in dict.fromkeys(route.tag for route in ROUTES)],
        "security": [{"bearer": []}],
        "paths": {path: paths[path] for path in sorted(paths, key=_path_order)},
    }
    _check_operation_ids(composed)
    composed["components"] = {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        "parameters": {"IdempotencyKey": IDEMPOTENCY_KEY},
        "headers": RESPONSE_HEADERS,
        "responses": {"Problem": PROBLEM_RESPONSE},
        "schemas": {name: schemas[name] for name in sorted(schemas)},
    }
    add_examples(composed)
    return composed


def dump(document: Json) -> bytes:
    """Serialize the document; equal for equal documents."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Iterate over method, path and operation in `document`."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def _path_order(path: str) -> tuple[int, str]:
    return ROUTES.index(find_route(path)), path


def _operation(method: str, path: str, operation: Json) -> Json:
    """Add what all operations share: tag, name, headers, errors, security and Idempotency-Key."""
    upper = method.upper()
    concrete = re.sub(r"\{[^}]*\}", "0", path)
    is_keyed = upper in MUTATING and not ignores_key(concrete)
    responses = {
        status: {**response, "headers": refs(_headers(find_route(path).owner, status, operation, is_keyed))}
        for status, response in operation["responses"].items()
        if status not in ("422", "default")
    }
    result = {
        **operation,
        "tags": [find_route(path).tag],
        "operationId": _operation_id(method, path, operation["operationId"]),
        "responses": {**responses, "default": with_problem(operation["responses"].get("default"))},
    }
    parameters = [_described(method, path, _never_null(each)) for each in operation.get("parameters", ())]
    if is_keyed:
        parameters.append(_KEY_REF)
    if parameters:
        result["parameters"] = parameters
    if open_limit(upper, concrete) is not None:
        result["security"] = []
    return result


def _headers(owner: ServiceName, status: str, operation: Json, is_keyed: bool) -> list[str]:
    """Return the names of the headers of a successful response."""
    names = [*ON_EVERY_RESPONSE]
    if is_keyed:
        names.append("Idempotency-Replayed")
    if status.startswith("3") and status != "304":
        names.append("Location")
    schema = operation["responses"][status].get("content", {}).get("application/json", {}).get("schema", {})
    is_file = owner == "metadata" and schema == {"$ref": "#/components/schemas/File"}
    if is_file or (status in ("200", "304") and "304" in operation["responses"]):
        names.append("ETag")
    return names


def _described(method: str, path: str, parameter: Json) -> Json:
    """Add the usual description of a parameter; ValueError if there is none."""
    text = (
        parameter.get("description") or parameter["schema"].get("description") or PARAMETER_TEXTS.get(parameter["name"])
    )
    if text is None:
        raise ValueError(f"{method} {path} has a parameter {parameter['name']} without a description")
    return {**parameter, "description": text}


def _never_null(parameter: Json) -> Json:
    """Remove null from a parameter that may be absent: a URL or a header can't contain null."""
    schema = parameter["schema"]
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == len(schema.get("anyOf", [])):
        return parameter
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**parameter, "schema": rest | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds})}


def _operation_id(method: str, path: str, given: str) -> str:
    """Return the route's own name, without the path and method that FastAPI appends."""
    return given.removesuffix(f"_{method}").removesuffix(re.sub(r"\W", "_", path))


def _check_operation_ids(document: Json) -> None:
    seen: dict[str, str] = {}
    for method, path, operation in operations(document):
        name = operation["operationId"]
        if name in seen:
            raise ValueError(f"{method} {path} and {seen[name]} are both called {name}")
        if not VERB.match(name):
            raise ValueError(f"the name of {method} {path}, {name}, does not begin with a verb")
        seen[name] = f"{method} {path}"


def _rename_clashing(service: str, document: Json, schemas: Json) -> Json:
    """Add the document's schemas to `schemas`; a clashing name gets the service's name as prefix."""
    own = {
        name: schema
        for name, schema in document.get("components", {}).get("schemas", {}).items()
        if name not in _FRAMEWORK_SCHEMAS
    }
    names = {
        name: name if schemas.get(name, schema) == schema else f"{service.capitalize()}{name}"
        for name, schema in own.items()
    }
    for name, schema in own.items():
        schemas[names[name]] = _with_refs(schema, names)
    renamed: Json = _with_refs({"paths": document.get("paths", {})}, names)
    return renamed


def _with_refs(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        if DESCRIBED_ELSEWHERE in node:
            described = {"description": node["description"]} if "description" in node else {}
            return {"$ref": f"#/components/schemas/{node[DESCRIBED_ELSEWHERE]}", **described}
        return {
            key: _renamed_ref(value, names) if key == "$ref" and isinstance(value, str) else _with_refs(value, names)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_with_refs(item, names) for item in node]
    return node


def _renamed_ref(ref: str, names: Mapping[str, str]) -> str:
    prefix, _, name = ref.rpartition("/")
    return f"{prefix}/{names.get(name, name)}" if prefix == "#/components/schemas" else ref

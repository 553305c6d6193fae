"""The API's OpenAPI document, composed of those of the services."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from docstore_gateway.edge.routes import MUTATING, ROUTES, find_route, ignores_key, open_limit
from docstore_platform.http.response_models import DESCRIBED_ELSEWHERE

Json = dict[str, Any]

VERSION = "1.0.0"
METHOD_ORDER = ("get", "post", "put", "patch", "delete")
DESCRIPTION = """Store, sync, search and share files. File contents go straight between you and the object store.

Times are RFC 3339 in UTC, sizes are bytes. Lists are `{items, next_cursor}`: pass `next_cursor` as `cursor` to get the
next page. Errors are `application/problem+json` (RFC 9457) with a stable `code`. Another account's id is 404, like an
unknown one. A query parameter that a route does not have is 400 `unknown_parameter`. Calls that change something accept
`Idempotency-Key`: a call repeated with the same key within 24 hours has no second effect and gets its first response
again. Too many calls get 429 with `Retry-After`."""

_PROBLEM_REF = {"$ref": "#/components/responses/Problem"}
_PROBLEM_CONTENT = {"schema": {"$ref": "#/components/schemas/Problem"}}
_KEY_REF = {"$ref": "#/components/parameters/IdempotencyKey"}
_PROBLEM_SCHEMA = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `code` is stable, `detail` is for people; a code may have members of its own.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {
            "type": "string",
            "description": "The code as a URI.",
            "examples": ["urn:docstore:problem:not_found"],
        },
        "title": {"type": "string", "description": "The code in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "code": {"type": "string", "description": "What went wrong, for programs.", "examples": ["not_found"]},
        "detail": {"type": "string", "description": "What went wrong, for people."},
    },
    "additionalProperties": True,
}
_FRAMEWORK_SCHEMAS = frozenset({"HTTPValidationError", "ValidationError"})
"""FastAPI's own errors, which our services replace by problems."""


def compose(documents: Mapping[str, Json], public_url: str = "/") -> Json:
    """Compose one document of the services' documents, given by service name.

    ValueError if a service describes a path that is not routed to it, or two describe one operation.
    """
    schemas: Json = {"Problem": _PROBLEM_SCHEMA}
    paths: dict[str, Json] = {}
    for service, document in sorted(documents.items()):
        renamed = _rename_clashing(service, document, schemas)
        for path, item in renamed["paths"].items():
            if find_route(path).owner != service:
                raise ValueError(f"{service} describes {path}, which is not routed to it")
            paths[path] = {method: _operation(method, path, item[method]) for method in METHOD_ORDER if method in item}
    composed: Json = {
        "openapi": "3.1.0",
        "info": {"title": "DocStore", "version": VERSION, "description": DESCRIPTION},
        "servers": [{"url": public_url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in ROUTES)],
        "security": [{"bearer": []}],
        "paths": {path: paths[path] for path in sorted(paths, key=_path_order)},
    }
    _check_operation_ids(composed)
    composed["components"] = {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        "parameters": {
            "IdempotencyKey": {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "1 to 255 printable ASCII characters, a new key for every call. 422 "
                "`idempotency_key_reused` if it was used for another call.",
                "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
            }
        },
        "responses": {
            "Problem": {
                "description": "The call failed.",
                "content": {"application/problem+json": _PROBLEM_CONTENT},
            }
        },
        "schemas": {name: schemas[name] for name in sorted(schemas)},
    }
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
    """Add what all operations share: tag, name, errors, security and Idempotency-Key."""
    upper = method.upper()
    concrete = re.sub(r"\{[^}]*\}", "0", path)
    responses = {status: response for status, response in operation.get("responses", {}).items() if status != "422"}
    result = {
        **operation,
        "tags": [find_route(path).tag],
        "operationId": _operation_id(method, path, operation["operationId"]),
        "responses": {**responses, "default": _with_problem(responses.get("default"))},
    }
    if "parameters" in operation:
        result["parameters"] = [_never_null(parameter) for parameter in operation["parameters"]]
    if upper in MUTATING and not ignores_key(concrete):
        result["parameters"] = [*result.get("parameters", []), _KEY_REF]
    if open_limit(upper, concrete) is not None:
        result["security"] = []
    return result


def _with_problem(described: Json | None) -> Json:
    """Return the error response: a problem, and what the service describes besides."""
    if described is None:
        return _PROBLEM_REF
    return {**described, "content": {**described["content"], "application/problem+json": _PROBLEM_CONTENT}}


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

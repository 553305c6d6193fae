"""The OpenAPI document of a service's internal routes."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from docstore_platform.http.routes import INTERNAL_PREFIX

OTHER_REGIONS = "other regions"
"""Callers of the routes that verify signatures themselves."""
_PROBLEM = {"description": "The call failed: problem+json (RFC 9457) with a stable `code`."}
_FRAMEWORK_SCHEMAS = ("HTTPValidationError", "ValidationError")


def internal_openapi(app: FastAPI) -> dict[str, Any]:
    """Describe the internal routes of an `app` from `service_app`; `x-callers` names the allowed callers of each."""
    routes = [route for route in app.routes if isinstance(route, APIRoute) and route.path.startswith(INTERNAL_PREFIX)]
    document = get_openapi(title=f"{app.title}: internal API", version="1", routes=routes)
    schemas = document.get("components", {}).get("schemas", {})
    for name in _FRAMEWORK_SCHEMAS:
        schemas.pop(name, None)
    allowed = {(route.method.lower(), route.path): sorted(route.callers) for route in app.state.internal_routes}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            operation["x-callers"] = allowed.get((method, path), [OTHER_REGIONS])
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _PROBLEM
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schemas.update(content["schema"].pop("$defs", {}))
    return document

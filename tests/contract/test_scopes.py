"""Every operation of the public API has a scope, or a reason to have none."""

import json

import generate_openapi
from openapi_document import operations

from docstore_gateway.edge.routes import open_limit
from docstore_platform.security.scopes import EVERY_TOKEN, LOG_IN_ONLY, OPERATIONS, WITHIN_FOLDER


def test_every_operation_with_a_login_is_in_exactly_one_table() -> None:
    """Whoever adds a route decides what API tokens may do with it; until then they may not call it."""
    document = json.loads(generate_openapi.TARGET.read_bytes())
    needs_login = {
        f"{method.upper()} {path}"
        for method, path, operation in operations(document)
        if operation.get("security") != [] or open_limit(method.upper(), path) is None
    }
    tables = [*OPERATIONS.values(), EVERY_TOKEN, LOG_IN_ONLY]
    decided = [operation for table in tables for operation in table]
    assert sorted(decided) == sorted(needs_login)


def test_what_a_folder_limits_is_open_to_tokens() -> None:
    """Each is in the table of a scope."""
    assert frozenset().union(*OPERATIONS.values()) >= WITHIN_FOLDER


def test_only_reading_is_open_to_the_scopes_that_read() -> None:
    """Their other operations are queries with a long body, and cookies, which open contents until they expire."""
    for scope in ("files:read", "admin:read"):
        changing = {operation for operation in OPERATIONS[scope] if not operation.startswith("GET ")}
        assert changing <= {
            "POST /v1/compare",
            "POST /v1/contents",
            "POST /v1/contents/cookies",
            "POST /v1/files/zip",
            "POST /v1/files/{file_id}/credentials",
        }

"""Every public route refuses query parameters that it does not have."""

import re

import pytest
from people import Person, problem_of

pytestmark = pytest.mark.connected

UNKNOWN = (400, "unknown_parameter")


async def test_every_route_refuses_unknown_parameters(admin: Person) -> None:
    """400 `unknown_parameter` that names it, on each route of the OpenAPI document; the call has no effect."""
    before = await admin.call("GET", "/v1/me")
    paths = (await admin.call("GET", "/openapi.json"))["paths"]
    assert len(paths) > 60
    for path, methods in paths.items():
        filled = re.sub(r"{\w+}", "x", path)
        for method in methods:
            answer = await admin.ask(method.upper(), f"{filled}?surprise=1", {})
            assert problem_of(answer) == UNKNOWN, (method, path, answer)
            assert "surprise" in answer.json()["detail"]
    assert await admin.call("GET", "/v1/me") == before


async def test_a_misspelt_filter_is_refused_beside_right_ones(ada: Person) -> None:
    """Neither the case nor an unknown one among known ones is passed over, and a long poll does not wait."""
    await ada.upload("/a.txt", b"a")
    for path in ("/v1/files?path=/&Limit=1", "/v1/search?q=a&modified_since=2026-01-01", "/v1/changes?wait=60&since=0"):
        assert await ada.refused("GET", path) == UNKNOWN, path


async def test_a_login_is_needed_first(nobody: Person) -> None:
    """Someone without a login learns nothing of a route's parameters."""
    assert await nobody.refused("GET", "/v1/files?surprise=1") == (401, "unauthorized")

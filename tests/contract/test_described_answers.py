"""The response check that all tests rely on detects responses that differ from their description."""

import json
from typing import Any

import generate_openapi
import pytest
from described_answers import Description

ACCOUNT: dict[str, Any] = {
    "id": "1",
    "email": "ada@example.org",
    "display_name": "",
    "language": None,
    "plan": "free",
    "role": "user",
    "status": "active",
    "email_verified": True,
    "home_region": "us-west-2",
    "created_at": "2026-11-22T08:00:00.000Z",
}


@pytest.fixture(scope="module")
def description() -> Description:
    return Description(json.loads(generate_openapi.TARGET.read_bytes()))


def _differences(description: Description, answer: Any, **call: Any) -> list[str]:
    call_fields: dict[str, Any] = {"method": "PATCH", "path": "/v1/admin/accounts/1", "status": 200}
    call_fields |= {"media_type": "application/json", **call}
    return list(description.differences(**call_fields, body=json.dumps(answer).encode()))


def test_an_answer_as_described_passes(description: Description) -> None:
    """Also one of a route with a part that varies."""
    assert _differences(description, ACCOUNT) == []


@pytest.mark.parametrize(
    "change", [{"nickname": "Ada"}, {"plan": "gold"}, {"created_at": "yesterday"}, {"display_name": None}]
)
def test_a_field_that_differs_from_its_description_is_detected(
    description: Description, change: dict[str, Any]
) -> None:
    """An undescribed field, and a value, a format and a null that differ from the description."""
    assert _differences(description, ACCOUNT | change)


def test_a_missing_field_is_detected(description: Description) -> None:
    """Of an item in a list, too."""
    lacking = {name: value for name, value in ACCOUNT.items() if name != "email"}
    page = {"items": [lacking], "next_cursor": None}
    assert "items.0" in _differences(description, page, method="GET", path="/v1/admin/accounts")[0]


@pytest.mark.parametrize("call", [{"status": 202}, {"path": "/v1/nowhere"}, {"method": "GET"}])
def test_a_response_without_a_description_is_detected(description: Description, call: dict[str, Any]) -> None:
    """By status, route or method."""
    assert "not described" in _differences(description, ACCOUNT, **call)[0]


def test_problems_are_described_for_all_routes_at_once(description: Description) -> None:
    """Whatever their status; members of their own are allowed."""
    problem = {"type": "urn:x", "title": "X", "status": 404, "code": "not_found", "detail": "There is none.", "more": 1}
    call_fields = {"status": 404, "media_type": "application/problem+json"}
    assert _differences(description, problem, **call_fields) == []
    assert _differences(description, {"code": "not_found"}, **call_fields)

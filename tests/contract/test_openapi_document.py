"""Composing the services' documents."""

from typing import Any

import pytest
from openapi_document import compose, dump

CODES = ["not_found"]


def document(path: str, method: str = "get", name: str = "get_thing", schema: dict[str, Any] | None = None) -> Any:
    operation: dict[str, Any] = {
        "summary": "Read",
        "operationId": name + path.replace("/", "_").replace("{", "_").replace("}", "_") + f"_{method}",
        "responses": {
            "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}},
            "422": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}}},
        },
    }
    schemas = {"Item": schema or {"type": "object"}, "HTTPValidationError": {"type": "object"}}
    return {"paths": {path: {method: operation}}, "components": {"schemas": schemas}}


def test_names_with_two_meanings_are_distinguished() -> None:
    """Two services' schemas of one name both survive, and each reference still means its own."""
    composed = compose(
        {
            "metadata": document("/v1/files", name="list_files", schema={"type": "string"}),
            "quota": document("/v1/admin/overview", name="get_overview", schema={"type": "integer"}),
        },
        CODES,
    )
    schemas = composed["components"]["schemas"]
    assert schemas["Item"]["type"] == "string"
    assert schemas["QuotaItem"]["type"] == "integer"
    answer = composed["paths"]["/v1/admin/overview"]["get"]["responses"]["200"]
    assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/QuotaItem"}


def test_every_operation_gets_what_holds_for_all() -> None:
    """Area, short name, problem as default answer; the framework's own error form is gone."""
    composed = compose({"metadata": document("/v1/files/{file_id}", "patch", "update_file")}, CODES)
    operation = composed["paths"]["/v1/files/{file_id}"]["patch"]
    assert operation["operationId"] == "update_file"
    assert operation["tags"] == ["Files and folders"]
    assert set(operation["responses"]) == {"200", "default"}
    assert operation["parameters"] == [{"$ref": "#/components/parameters/IdempotencyKey"}]
    assert {"X-Request-Id", "RateLimit", "Idempotency-Replayed"} <= set(operation["responses"]["200"]["headers"])
    assert "HTTPValidationError" not in composed["components"]["schemas"]


def test_calls_without_login_are_described_so() -> None:
    """The open routes are open in the document too, and a login takes no Idempotency-Key."""
    composed = compose({"accounts": document("/v1/sessions", "post", "log_in")}, CODES)
    operation = composed["paths"]["/v1/sessions"]["post"]
    assert operation["security"] == []
    assert "parameters" not in operation


def test_a_path_without_a_route_is_an_error() -> None:
    """A service can't describe a route that the gateway sends elsewhere."""
    with pytest.raises(ValueError, match="not routed"):
        compose({"quota": document("/v1/files")}, CODES)


def test_two_operations_of_one_name_are_an_error() -> None:
    """Clients make a method of each name."""
    with pytest.raises(ValueError, match="both called"):
        compose({"metadata": document("/v1/files"), "upload": document("/v1/uploads")}, CODES)


def test_the_text_does_not_depend_on_the_order_of_services() -> None:
    """The committed file changes only when the API does."""
    one, two = document("/v1/files"), document("/v1/uploads", name="list_uploads")
    assert dump(compose({"metadata": one, "upload": two}, CODES)) == dump(
        compose({"upload": two, "metadata": one}, CODES)
    )


def test_a_name_that_does_not_begin_with_a_verb_is_an_error() -> None:
    """Operations are named alike: what is done, then to what."""
    with pytest.raises(ValueError, match="begin with a verb"):
        compose({"metadata": document("/v1/files", name="files")}, CODES)


def test_a_parameter_without_a_description_is_an_error() -> None:
    """A usual name has the usual description; another one must be described where it is declared."""
    described = document("/v1/files")
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("limit", "frobnicate")]
    described["paths"]["/v1/files"]["get"]["parameters"] = parameters[:1]
    [limit] = compose({"metadata": described}, CODES)["paths"]["/v1/files"]["get"]["parameters"]
    assert limit["description"]
    described["paths"]["/v1/files"]["get"]["parameters"] = parameters
    with pytest.raises(ValueError, match="frobnicate"):
        compose({"metadata": described}, CODES)


def test_bodies_have_examples_that_their_schemas_allow() -> None:
    """A shared schema carries its example, with typical values; errors name the codes that there are."""
    fields = {"path": {"type": "string", "pattern": "^/"}, "size": {"type": "integer"}, "on": {"enum": ["a", "b"]}}
    schema = {"type": "object", "properties": fields, "required": ["path", "size"]}
    schemas = compose({"metadata": document("/v1/files", schema=schema)}, CODES)["components"]["schemas"]
    assert schemas["Item"]["examples"] == [{"path": "/work/report.pdf", "size": 48213}]
    assert schemas["Problem"]["properties"]["code"]["enum"] == CODES


def test_a_map_is_shown_with_one_of_its_names() -> None:
    """An empty object would show nothing of its values."""
    values = {"type": "object", "properties": {"email": {"type": "boolean"}}, "required": ["email"]}
    schema = {"type": "object", "propertyNames": {"enum": ["upload_done"]}, "additionalProperties": values}
    schemas = compose({"metadata": document("/v1/files", schema=schema)}, CODES)["components"]["schemas"]
    assert schemas["Item"]["examples"] == [{"upload_done": {"email": False}}]

"""Response models of public routes, for the OpenAPI document only.

Responses are written as JSON directly; these models are never instantiated. Tests compare every public response they
see with the description.
"""

from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, TypeAdapter, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from docstore_platform.http.described_model import DescribedModel

T = TypeVar("T")

DESCRIBED_ELSEWHERE = "x-schema"
"""Marks a reference to a schema that a service does not have, resolved when the documents are composed."""


class ResponseModel(DescribedModel):
    """A JSON object of a response."""

    # Texts are collected when the document is built: at each start, as pydantic does, it took a fifth of a second.
    model_config = ConfigDict(defer_build=True)


class Page(ResponseModel, Generic[T]):
    """A page of a list. Subclass it: the subclass's name is that of the schema."""

    items: list[T]
    """In the list's order."""
    next_cursor: str | None
    """Pass it as `cursor` to get the next page; null on the last one."""


def omittable() -> Any:
    """Default of a field that is omitted, not null, without a value."""
    return Field(default_factory=lambda: None)


def schema_of(name: str) -> WithJsonSchema:
    """Reference a schema that another service, or the composed document, defines under this name."""
    return WithJsonSchema({DESCRIBED_ELSEWHERE: name})


FileJson = Annotated[dict[str, Any], schema_of("File")]
"""A file as metadata returns it."""
ProblemJson = Annotated[dict[str, Any], schema_of("Problem")]


class ItemProblem(ResponseModel):
    """Why one item of several was refused; the others are not affected."""

    problem: ProblemJson


class _Described:
    """Annotation with the JSON schema of a type, which pydantic compiles only if the schema is requested."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(TypeAdapter(self._response).core_schema)


@cache
def described(response: Any) -> Any:
    """Return the `response_model` of a route that writes its JSON itself, for the OpenAPI document only."""
    return Annotated[Any, _Described(response)]


def described_body(request: TypeAdapter[Any]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads its body itself."""
    schema = request.json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}

"""Response models of public routes, for the OpenAPI document only.

Responses are written as JSON directly; these models are never instantiated. Tests compare every public response they
see with the description.
"""

import ast
import inspect
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, TypeAdapter, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

T = TypeVar("T")

DESCRIBED_ELSEWHERE = "x-schema"
"""Marks a reference to a schema that a service does not have, resolved when the documents are composed."""


class ResponseModel(BaseModel):
    """A JSON object; the text below a field is its description in the OpenAPI document."""

    # Texts are collected when the document is built: at each start, as pydantic does, it took a fifth of a second.
    model_config = ConfigDict(defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema)["properties"]
        for name, field in cls.model_fields.items():
            description = next((texts[name] for each in cls.__mro__ if name in (texts := _texts(each))), None)
            if description is not None:
                properties[field.alias or name]["description"] = description
        return schema


@cache
def _texts(model: type) -> dict[str, str]:
    """Return the texts below the fields of a class itself."""
    if (
        not issubclass(model, ResponseModel)
        or model is ResponseModel
        or model.__pydantic_generic_metadata__["origin"] is not None
    ):
        return {}  # Page[File] has no source: its fields are Page's
    [defined] = ast.parse(inspect.getsource(model)).body
    assert isinstance(defined, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(defined.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


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

"""Base of request and response models: the text below a field is its description in the OpenAPI document."""

import ast
import inspect
from functools import cache
from itertools import pairwise

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class DescribedModel(BaseModel):
    """A JSON object whose fields are described by the texts below them."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, field in cls.model_fields.items():
            description = next((texts[name] for each in cls.__mro__ if name in (texts := _texts(each))), None)
            if description is not None:
                properties[field.alias or name]["description"] = description
        return schema


@cache
def _texts(model: type) -> dict[str, str]:
    """Return the texts below the fields of a class itself."""
    if (
        not issubclass(model, DescribedModel)
        or model is DescribedModel
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

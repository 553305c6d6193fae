"""JSON request bodies."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from docstore_platform.http.described_model import DescribedModel

MAX_UNKNOWN_FIELDS = 10


def one_of(
    *fields: str,
    empty: Mapping[str, Any] = MappingProxyType({}),
    where: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Schema of an object with exactly one of `fields`.

    `empty`: defaults of omitted fields, null unless given. `where`: by field, the values of other fields if that
    one is given.
    """
    return {
        "oneOf": [
            {
                "required": [chosen],
                "properties": {
                    **{field: _is_given(field == chosen, empty.get(field)) for field in fields},
                    **where.get(chosen, {}),
                },
            }
            for chosen in fields
        ]
    }


def _is_given(given: bool, empty: Any) -> dict[str, Any]:
    nothing = {"type": "null"} if empty is None else {"const": empty}
    return {"not": nothing} if given else nothing


class RequestModel(DescribedModel):
    """A body of a public route, or a part of one. Unknown fields are 422: if they were ignored, a misspelt
    `base_version` would overwrite what it should protect, unnoticed by the client. Types are those of JSON: neither
    `"5"` nor `true` is a number."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _few_unknown_fields(cls, data: Any) -> Any:
        """Report many unknown fields as one error: one for each would cost far more than sending them."""
        if isinstance(data, dict) and len(data) > len(cls.model_fields) + MAX_UNKNOWN_FIELDS:
            raise PydanticCustomError("too_many_fields", "The object has many unknown fields.")
        return data

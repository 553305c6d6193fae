"""Request bodies in JSON."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

MAX_UNKNOWN_FIELDS = 10


def one_of(
    *fields: str,
    empty: Mapping[str, Any] = MappingProxyType({}),
    where: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """The schema of an object that has one of `fields` and none of the others.

    `empty`: the default of a field that is left out, null unless named here. `where`: by a field, what other
    fields are where that one is given.
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


class Body(BaseModel):
    """A body of a public route, or a part of one. A field that it does not have is refused with 422: if it were passed
    over, a misspelt `base_version` would overwrite what it was to protect, and who sent it would take it for heard.
    Types are those of JSON: neither `"5"` nor `true` is taken for a number."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _few_unknown_fields(cls, data: Any) -> Any:
        """Refuse many unknown fields at once: an error for each would cost far more than sending them."""
        if isinstance(data, dict) and len(data) > len(cls.model_fields) + MAX_UNKNOWN_FIELDS:
            raise PydanticCustomError("too_many_fields", "The object has many fields that it may not have.")
        return data

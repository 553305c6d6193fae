"""What clients send as JSON."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

MAX_UNKNOWN_FIELDS = 10


class Body(BaseModel):
    """A body of a public route, or a part of one. A field that it does not have is refused with 422: if it were passed
    over, a misspelt `base_version` would overwrite what it was to protect, and who sent it would take it for heard."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _few_unknown_fields(cls, data: Any) -> Any:
        """Refuse many unknown fields at once: an error for each would cost far more than sending them."""
        if isinstance(data, dict) and len(data) > len(cls.model_fields) + MAX_UNKNOWN_FIELDS:
            raise PydanticCustomError("too_many_fields", "The object has many fields that it may not have.")
        return data

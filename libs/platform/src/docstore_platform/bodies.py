"""What clients send as JSON."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A body of a public route, or a part of one. A field that it does not have is refused with 422: if it were passed
    over, a misspelt `base_version` would overwrite what it was to protect, and who sent it would take it for heard."""

    model_config = ConfigDict(extra="forbid")

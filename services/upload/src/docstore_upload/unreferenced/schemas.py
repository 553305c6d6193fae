"""Request models for unreferenced contents."""

from pydantic import BaseModel, Field


class ReleaseRequest(BaseModel):
    """Object keys of any contents: block lists, slices of packs, objects of their own."""

    keys: list[str] = Field(max_length=1000)

"""Responses with temporary credentials."""

from datetime import datetime

from pydantic import BaseModel, Field


class TemporaryKeys(BaseModel):
    access_key_id: str = Field(description="of S3")
    secret_access_key: str = Field(description="of S3")
    session_token: str = Field(description="to be sent with every request")
    expires_at: datetime = Field(description="when they end")
    endpoint: str = Field(description="of S3, as clients reach it")
    region: str = Field(description="of the bucket")
    bucket: str = Field(description="that has the objects")


class ReadableObject(BaseModel):
    path: str = Field(description="from the folder on")
    file_id: str = Field(description="of the file")
    key: str = Field(description="of the object")
    size: int = Field(description="in bytes")
    sha256: str = Field(description="hex, of the content")


class LeftOutFile(BaseModel):
    path: str = Field(description="from the folder on")
    reason: str = Field(description="`blocks`, `pack` or `archived`: it is not one object that can be read now")


class ReadCredentials(BaseModel):
    credentials: TemporaryKeys = Field(description="for any S3 tool")
    objects: list[ReadableObject] = Field(description="all that the credentials read")
    not_included: list[LeftOutFile] = Field(description="the first 1,000 files that can't be read with them")
    not_included_count: int = Field(description="number of all such files")

"""Requests of the routes of files and folders."""

from pydantic import Field

from docstore_metadata.tree.rules import MAX_TAGS
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.values import CustomMetadata, FileName, FilePath, Id, Tag


class NewFolder(RequestModel):
    path: FilePath
    parent_id: Id | None = Field(None, description="the folder that the path starts from")


class Changes(RequestModel):
    name: FileName | None = None
    parent_id: Id | None = None
    """Id of the folder to move it to."""
    tags: list[Tag] | None = Field(None, max_length=4 * MAX_TAGS, description="Up to 50 different ones.")
    metadata: CustomMetadata | None = Field(None, description="Replaces all pairs.")
    replace: Id | None = Field(None, description="What has that name there: it is put into the trash in the same step.")


class CopyTo(RequestModel):
    path: FilePath
    parent_id: Id | None = Field(None, description="the folder that the path starts from")
    replace: Id | None = Field(None, description="What is at that path: it is put into the trash in the same step.")

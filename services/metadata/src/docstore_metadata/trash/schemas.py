"""Response models of the trash."""

from datetime import datetime

from docstore_metadata.tree.views.schemas import File
from docstore_platform.http.response_models import Page


class TrashedFile(File):
    """A file or folder in the trash; `path` is its former path."""

    trashed_at: datetime
    """When it was put into the trash."""
    expires_at: datetime | None
    """When it is deleted permanently, then or a little later; null: never."""


class TrashPage(Page[TrashedFile]):
    """A page of the trash."""

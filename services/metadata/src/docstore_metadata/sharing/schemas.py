"""Requests and responses of the routes of shares with people."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from docstore_metadata.tree.rules import ShareRole
from docstore_metadata.tree.views.schemas import File
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page, ResponseModel
from docstore_platform.http.values import Email, Watermark

Role = Literal["viewer", "editor"]


ShareWatermark = Annotated[
    Watermark,
    Field(
        description="The recipient, a viewer, only sees pictures with this text, never the content. `{reader}` stands "
        "for the recipient's name and address.",
    ),
]


class NewShare(RequestModel):
    email: Email
    """Address of the recipient, who need not have an account yet."""
    role: Role
    """Whether the recipient may change the file or folder."""
    watermark: ShareWatermark | None = None


class ShareChanges(RequestModel):
    """Absent fields stay; null removes a watermark."""

    role: Role | None = None
    """Whether the recipient may change the file or folder."""
    watermark: ShareWatermark | None = None


class Share(ResponseModel):
    """A share of a file or folder with a person."""

    id: str
    """For changing and revoking it."""
    file_id: str
    """The shared file or folder."""
    email: str
    """The recipient's address, as the owner typed it."""
    role: ShareRole
    """Whether the recipient may change the file or folder."""
    state: Literal["pending", "active"]
    """`pending` until an account has verified the address and accepted the share, then `active`."""
    watermark: str | None
    """Text all over the pictures that are all the recipient sees; null: the recipient may download."""
    created_at: datetime
    """When it was shared."""


class SharePage(Page[Share]):
    """A page of the shares of a file or folder."""


class ReceivedShare(ResponseModel):
    """A share as its recipient sees it."""

    id: str
    """For leaving it."""
    role: ShareRole
    """Whether the caller may change the file or folder."""
    owner_id: str
    """Account that shares it."""
    owner_name: str | None
    """Its display name; null if unknown."""
    shared_at: datetime
    """When it was shared."""


class SharedFile(File):
    """A file or folder that is shared with the caller."""

    share: ReceivedShare


class SharedFilePage(Page[SharedFile]):
    """A page of files and folders shared with the caller."""

"""Requests and responses of the routes of shares with people."""

from datetime import datetime
from typing import Literal

from docstore_metadata.tree.rules import ShareRole
from docstore_metadata.tree.schemas import File
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page, ResponseModel
from docstore_platform.http.values import Email

Role = Literal["viewer", "editor"]


class NewShare(RequestModel):
    email: Email
    role: Role


class NewRole(RequestModel):
    role: Role


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

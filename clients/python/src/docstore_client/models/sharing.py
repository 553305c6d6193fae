"""Shares, invitations and links."""

from datetime import datetime
from typing import Literal

from docstore_client.models.base import Model

Role = Literal["editor", "viewer"]
LinkKind = Literal["read", "receive", "edit"]


class Share(Model):
    id: str
    file_id: str
    email: str
    role: Role
    state: Literal["pending", "active"]
    watermark: str | None = None
    """Text all over the pictures that are all the recipient sees; None: the recipient may download."""
    created_at: datetime


class ShareInvitation(Model):
    """A pending share."""

    id: str
    name: str
    kind: Literal["file", "folder"]
    role: Role
    owner_id: str
    owner_name: str | None = None
    owner_email: str | None = None
    owner_email_verified: bool = False
    shared_at: datetime


class BlockedPerson(Model):
    """A blocked person; `id` is the account id or email address that was blocked."""

    id: str
    name: str | None = None
    email: str | None = None
    blocked_at: datetime


class Link(Model):
    """A public link; `url` and `token` are only returned on creation."""

    id: str
    url: str | None = None
    token: str | None = None
    name: str = ""
    expires_at: datetime | None = None
    max_downloads: int | None = None
    watermark: str | None = None
    """Text all over the pictures that are all that visitors see; None: they may download."""
    kind: LinkKind = "read"
    """`receive`: visitors send files into the folder and see nothing of it; `edit`: they read and change it."""
    message: str = ""
    embed: bool = False
    """Whether other sites may show it in a frame."""
    max_files: int | None = None
    max_bytes: int | None = None
    received_files: int = 0
    received_bytes: int = 0
    downloads: int = 0
    opens: int = 0
    has_password: bool = False
    created_at: datetime

"""Requests and responses of the routes of public links."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from docstore_metadata.paging import to_millisecond
from docstore_metadata.tree.rules import Kind
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page, ResponseModel, omittable
from docstore_platform.http.values import WHOLE, Line, Moment, Text, Watermark

MAX_NAME_CHARS = 100
MAX_PASSWORD_CHARS = 200
MAX_DOWNLOADS = 1_000_000_000


Name = Annotated[Line, Field(max_length=MAX_NAME_CHARS)]
Password = Annotated[Text, Field(min_length=1, max_length=MAX_PASSWORD_CHARS)]
Downloads = Annotated[int, Field(ge=1, le=MAX_DOWNLOADS), WHOLE]
End = Annotated[
    Moment,
    AfterValidator(to_millisecond),
    Field(description="A moment to come, within 10 years; else 422 `invalid_expires_at`."),
]


LinkWatermark = Annotated[
    Watermark,
    Field(description="Visitors only see pictures with this text, and can't download anything."),
]


class NewLink(RequestModel):
    name: Name = ""
    password: Password | None = None
    expires_at: End | None = None
    max_downloads: Downloads | None = None
    watermark: LinkWatermark | None = None


class LinkChanges(NewLink):
    """Absent fields stay; null removes a password, an end, a limit or a watermark."""


class Opening(RequestModel):
    password: Annotated[Text, Field(max_length=MAX_PASSWORD_CHARS)] | None = None


class Link(ResponseModel):
    """A public link as its owner sees it."""

    id: str
    """For changing and revoking it."""
    file_id: str
    """The linked file or folder."""
    url: str | None
    """URL of its page; null for a link made before URLs were stored."""
    name: str
    """The owner's label; may be empty."""
    has_password: bool
    """Whether it requires a password."""
    expires_at: datetime | None
    """Null: never."""
    max_downloads: int | None
    """Null: unlimited."""
    watermark: str | None
    """Text all over the pictures that are all that visitors see; null: they may download."""
    downloads: int
    """Number of downloads so far."""
    opens: int
    """Number of opens so far."""
    created_at: datetime
    """When it was made."""


class CreatedLink(Link):
    """A new link."""

    url: str
    """URL of its page."""
    token: str
    """For `/v1/links/{token}`; in this response only."""


class LinkPage(Page[Link]):
    """A page of the links to a file or folder."""


class LinkedFile(ResponseModel):
    """A file or folder as visitors of a link see it."""

    id: str
    """For the link's other routes."""
    name: str
    """Its name."""
    kind: Kind
    """File or folder."""
    size: int
    """Bytes; 0 for a folder."""
    content_type: str | None
    """Null for a folder."""
    modified_at: datetime
    """When it was last changed."""


class LinkedFilePage(Page[LinkedFile]):
    """A page of a linked folder."""


class OpenedLink(ResponseModel):
    """The linked file or folder."""

    file: LinkedFile
    downloads_left: int | None
    """Null: unlimited."""
    expires_at: datetime | None
    """Null: never."""
    watermark: str | None
    """Text all over the pictures that the link gives instead of contents; null: it gives the contents."""
    grant: str
    """Proves to the link's other routes that its password was given."""
    items: list[LinkedFile] = omittable()
    """Of a folder: its first page."""
    next_cursor: str | None = omittable()
    """Of a folder: the cursor of its second page."""

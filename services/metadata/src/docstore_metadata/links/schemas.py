"""Requests and responses of the routes of public links."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from docstore_metadata.paging import to_millisecond
from docstore_metadata.tree.rules import Kind
from docstore_platform.answers import Answer, Page, sometimes
from docstore_platform.bodies import Body
from docstore_platform.values import WHOLE, Line, Moment, Text

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


class NewLink(Body):
    name: Name = ""
    password: Password | None = None
    expires_at: End | None = None
    max_downloads: Downloads | None = None


class LinkChanges(NewLink):
    """What is absent stays; null takes a password, an end or a limit away."""


class Opening(Body):
    password: Annotated[Text, Field(max_length=MAX_PASSWORD_CHARS)] | None = None


class Link(Answer):
    """A public link as its owner sees it."""

    id: str
    """What changing and revoking it takes."""
    file_id: str
    """The file or folder it leads to."""
    url: str | None
    """A page for people; null for a link made before addresses were kept."""
    name: str
    """For the owner; may be empty."""
    has_password: bool
    """Whether one is asked for."""
    expires_at: datetime | None
    """Null: never."""
    max_downloads: int | None
    """Null: any number."""
    downloads: int
    """So far."""
    opens: int
    """How often it was looked at so far."""
    created_at: datetime
    """When it was made."""


class CreatedLink(Link):
    """A link that was just made."""

    url: str
    """A page for people."""
    token: str
    """What `/v1/links/{token}` takes; in this answer only."""


class LinkPage(Page[Link]):
    """A page of the links to a file or folder."""


class LinkedFile(Answer):
    """A file or folder as a link shows it to anybody."""

    id: str
    """What the link's other calls take."""
    name: str
    """As its owner calls it."""
    kind: Kind
    """What it is."""
    size: int
    """Bytes; 0 for a folder."""
    content_type: str | None
    """Null for a folder."""
    modified_at: datetime
    """When it was last changed."""


class LinkedFilePage(Page[LinkedFile]):
    """A page of a folder that a link leads to."""


class OpenedLink(Answer):
    """What a link leads to."""

    file: LinkedFile
    downloads_left: int | None
    """Null: any number."""
    expires_at: datetime | None
    """Null: never."""
    grant: str
    """Shows to the link's other calls that its password was given."""
    items: list[LinkedFile] = sometimes()
    """Of a folder: the first page of what is in it."""
    next_cursor: str | None = sometimes()
    """Of a folder: as on every page."""

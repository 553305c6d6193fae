"""Requests and responses of the routes of public links."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from docstore_metadata.links.rules import LinkKind
from docstore_metadata.paging import to_millisecond
from docstore_metadata.tree.rules import Kind
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page, ResponseModel, omittable
from docstore_platform.http.values import MAX_VERSION, WHOLE, FileName, Id, Line, Moment, Sha256, Text, Watermark

MAX_NAME_CHARS = 100
MAX_PASSWORD_CHARS = 200
MAX_DOWNLOADS = 1_000_000_000
MAX_RECEIVED_BYTES = 5 << 30
"""Of one file: it is sent by one PUT."""


Name = Annotated[Line, Field(max_length=MAX_NAME_CHARS)]
Password = Annotated[Text, Field(min_length=1, max_length=MAX_PASSWORD_CHARS)]
Downloads = Annotated[int, Field(ge=1, le=MAX_DOWNLOADS), WHOLE]
End = Annotated[
    Moment,
    AfterValidator(to_millisecond),
    Field(description="A moment to come, within 10 years; else 422 `invalid_expires_at`."),
]


Message = Annotated[Text, Field(max_length=1000, description="Of a link that receives: what visitors are asked for.")]
ReceivedFiles = Annotated[
    int,
    Field(
        ge=1,
        le=100_000,
        description="Of a link that receives or edits: most files that are sent; by default 1,000 or 100,000.",
    ),
    WHOLE,
]
ReceivedBytes = Annotated[
    int, Field(ge=1, le=1 << 50, description="Of a link that receives or edits: most bytes of all sent files."), WHOLE
]
LinkWatermark = Annotated[
    Watermark,
    Field(description="Visitors only see pictures with this text, and can't download anything."),
]


class LinkFields(RequestModel):
    name: Name = ""
    """Name in the owner's list of links; visitors do not see it."""
    password: Password | None = None
    """Visitors must enter it."""
    expires_at: End | None = None
    """When the link expires."""
    max_downloads: Downloads | None = None
    """Number of downloads after which the link is used up."""
    watermark: LinkWatermark | None = None
    embed: bool = False
    """Whether other sites may show what it leads to in a frame, at `/l/{token}/embed`; only without a password."""
    message: Message = ""
    max_files: ReceivedFiles | None = None
    max_bytes: ReceivedBytes | None = None


class NewLink(LinkFields):
    kind: Annotated[
        LinkKind, Field(description="What visitors do: read, send files into the folder unseen, or read and change it.")
    ] = "read"


class LinkChanges(LinkFields):
    """Absent fields stay; null removes a password, an end, a limit or a watermark."""


class NewReceived(RequestModel):
    """A file that a visitor sends: a new one by its `name`, or by a link for editing a new version of `file_id`."""

    name: Annotated[Line, Field(min_length=1, max_length=255, description="of a new file")] | None = None
    parent_id: Id | None = Field(None, description="By a link for editing: the folder to put it into.")
    file_id: Id | None = Field(None, description="By a link for editing: the file that gets a new version.")
    base_version: Annotated[int, Field(ge=0, le=MAX_VERSION), WHOLE] | None = Field(
        None, description="With `file_id`: the version that was changed; 409 `version_conflict` if it is not current."
    )
    size: Annotated[int, Field(ge=0, le=MAX_RECEIVED_BYTES, description="bytes"), WHOLE]
    sha256: Sha256 | None = None


class NewLinkedFolder(RequestModel):
    """A folder that a visitor creates by a link for editing."""

    name: FileName
    parent_id: Id | None = Field(None, description="The folder to create it in; the linked one by default.")


class LinkedFileChanges(RequestModel):
    """A new name, or the folder to move it to."""

    name: FileName | None = None
    parent_id: Id | None = Field(None, description="A folder in the linked one, or that itself.")


class Opening(RequestModel):
    password: Annotated[Text, Field(max_length=MAX_PASSWORD_CHARS)] | None = None
    """Password of the link, if it has one."""


class Link(ResponseModel):
    """A public link as its owner sees it."""

    id: str
    """For changing and revoking it."""
    kind: LinkKind
    """Whether visitors read, send files into the folder without seeing what is in it, or read and change it."""
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
    embed: bool
    """Whether other sites may show it in a frame."""
    downloads: int
    """Number of downloads so far."""
    message: str
    """Of a link that receives: what visitors are asked for."""
    max_files: int | None
    """Of a link that receives or edits: most files that are sent; null: 1,000 or 100,000."""
    max_bytes: int | None
    """Of a link that receives or edits: most bytes of all sent files; null: unlimited."""
    received_files: int
    """Number of uploads that visitors have begun."""
    received_bytes: int
    """Bytes of those uploads."""
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
    version: int = omittable()
    """By a link for editing: version of the content, as the base of a new one."""
    etag: str = omittable()
    """By a link for editing: its state, for `If-Match`."""


class LinkedFilePage(Page[LinkedFile]):
    """A page of a linked folder."""


class ReceivedUpload(ResponseModel):
    """How to send a file: by one PUT straight to the object store, then complete it."""

    id: str
    """For the route that completes it."""
    url: str
    """Signed URL."""
    headers: dict[str, str]
    """Headers to send exactly so: they are signed."""
    expires_at: datetime
    """Until when the bytes may be sent."""


class ReceivedFile(ResponseModel):
    """A file that has arrived."""

    name: str
    """Its name in the folder: another one if the name was taken."""
    size: int
    """Bytes."""
    id: str = omittable()
    """By a link for editing: for the link's other routes."""
    version: int = omittable()
    """By a link for editing: the version that it became."""


class OpenedLink(ResponseModel):
    """The linked file or folder."""

    file: LinkedFile
    kind: LinkKind
    """`receive`: visitors send files into the folder, and see nothing of it; `edit`: they see and change it."""
    message: str
    """What visitors of a link that receives are asked for."""
    files_left: int | None
    """Number of files that a link still receives; null for one that does not."""
    bytes_left: int | None
    """Bytes that a link still receives; null: unlimited."""
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

"""Types of metadata's internal API for WebDAV: locks and properties that clients set."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from docstore_contracts.caller import MAX_ITEMS, Id, Timestamp

MAX_LOCK_SECONDS = 24 * 3600
MAX_OWNER_CHARS = 4_000
MAX_PROPERTY_CHARS = 16_000
MAX_PROPERTY_CHANGES = 200

LockToken = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]


class Lock(TypedDict):
    """A write lock on a file or folder."""

    token: str
    account_id: str
    """Who took it."""
    file_id: str
    """What it was taken on."""
    path: str
    """Of that, as the asking account sees it."""
    owner: str
    """What the client wrote about itself: an XML element, or nothing."""
    exclusive: bool
    deep: bool
    """Whether it covers all that is in the folder too."""
    expires_at: Timestamp


class DeadProperty(TypedDict):
    """A property that a client has set, of no meaning to DocStore."""

    name: str
    """`{namespace}name`."""
    xml: str
    """The whole element."""


class Annotations(TypedDict):
    """Locks and properties of one file or folder."""

    locks: list[Lock]
    properties: list[DeadProperty]


class AnnotationsRequest(TypedDict):
    account_id: Id
    ids: Annotated[list[Id], Field(max_length=MAX_ITEMS)]
    """With all locks that cover them, those of folders above too."""
    children_of: NotRequired[Id | None]
    """A folder: also what is directly in it, with the locks taken on it alone."""


class AnnotationsResponse(TypedDict):
    items: dict[str, Annotations]
    """By id; those without any, and those that the account may not read, are absent."""


class LockRequest(TypedDict):
    account_id: Id
    file_id: Id
    token: LockToken
    """Of the new lock: chosen by the caller, so that a repeated request takes it once."""
    owner: Annotated[str, Field(max_length=MAX_OWNER_CHARS)]
    exclusive: bool
    deep: bool
    seconds: Annotated[int, Field(ge=1, le=MAX_LOCK_SECONDS)]


class LockRefresh(TypedDict):
    account_id: Id
    file_id: Id
    tokens: Annotated[list[str], Field(max_length=MAX_ITEMS)]
    """The first of these that covers it is renewed."""
    seconds: Annotated[int, Field(ge=1, le=MAX_LOCK_SECONDS)]


class LockRelease(TypedDict):
    account_id: Id
    file_id: Id
    token: str


class PropertyChange(TypedDict):
    name: Annotated[str, Field(min_length=1, max_length=1_000)]
    xml: Annotated[str, Field(max_length=MAX_PROPERTY_CHARS)] | None
    """None: the property is removed, if it is there."""


class PropertyChanges(TypedDict):
    account_id: Id
    file_id: Id
    lock_tokens: Annotated[list[str], Field(max_length=MAX_ITEMS)]
    changes: Annotated[list[PropertyChange], Field(min_length=1, max_length=MAX_PROPERTY_CHANGES)]
    """In this order; all or none."""

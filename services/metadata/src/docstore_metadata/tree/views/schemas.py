"""Response models of files and folders."""

from datetime import datetime

from docstore_metadata.tree.rules import Kind, Permission
from docstore_platform.http.response_models import Page, ResponseModel, omittable
from docstore_platform.http.values import Sha256


class File(ResponseModel):
    """A file or folder as the caller sees it."""

    id: str
    """Unchanged by renames and moves."""
    kind: Kind
    """File or folder."""
    name: str
    """Empty for the caller's root folder."""
    path: str
    """From the caller's root. The path of a shared file begins at the shared folder."""
    parent_id: str | None
    """Its folder; null if the caller may not read it, and for the root."""
    size: int
    """Bytes; 0 for a folder."""
    content_type: str | None
    """Media type; null for a folder."""
    sha256: Sha256 | None
    """SHA-256 of the content, in hexadecimal digits; null for a folder, and with a watermark."""
    version: int
    """Number of the current version, from 1; 0 for a folder."""
    tags: list[str]
    """Up to 50, in the given order."""
    metadata: dict[str, str]
    """Custom metadata of the current version: up to 20 values by name."""
    owner_id: str
    """Account that owns it, and whose quota it counts towards."""
    owner_name: str | None = omittable()
    """The owner's display name, in responses with a single file or shared files; null if unknown."""
    permission: Permission
    """The caller's permission."""
    can_delete: bool = omittable()
    """Whether the caller may put it into its owner's trash: the owner, and an editor of its folder who inserted it. A
    folder is refused while it contains what others inserted. Missing in changes from before this field."""
    created_at: datetime
    """When it was created."""
    modified_at: datetime
    """When its content was last changed, or of a folder its name or parent."""
    client_modified_at: datetime | None
    """When the content was last changed on the client; null for a folder, and if the client did not send it."""
    modified_by: str
    """Account that made the last change."""
    modified_by_name: str | None = omittable()
    """Its display name, in the same responses as `owner_name`."""
    etag: str
    """For `If-Match`. It changes with every field except `indexed`."""
    indexed: bool
    """Whether the text of the current version can be searched."""
    preview: bool
    """Whether the current version has a preview."""
    watermark: str | None = omittable()
    """Text all over the pictures that are all the caller may see of its content, by a share with a watermark. Null: the
    caller may download it. Missing in changes from before this field."""


class FilePage(Page[File]):
    """A page of a folder."""


class AncestorList(Page[File]):
    """All folders above a file or folder, on one page."""

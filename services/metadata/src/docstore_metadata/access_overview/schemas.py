"""Response of the access route."""

from docstore_metadata.links.schemas import Link
from docstore_metadata.sharing.schemas import Share
from docstore_metadata.tree.rules import Permission
from docstore_platform.http.response_models import ResponseModel


class AccessSource(ResponseModel):
    """The file or folder of a share or link."""

    id: str
    """For `/v1/files/{id}`."""
    name: str
    """Its name."""


class AccessShare(Share):
    """A share that gives access, on the file or folder itself or on a folder above it."""

    inherited_from: AccessSource | None
    """The shared folder above; null if it is shared itself."""


class AccessLink(Link):
    """A public link that gives access, to the file or folder itself or to a folder above it."""

    inherited_from: AccessSource | None
    """The linked folder above; null if it is linked itself."""


class Access(ResponseModel):
    """Who can open a file or folder."""

    owner_id: str
    """Account that owns it."""
    owner_name: str | None
    """Its display name; null if unknown."""
    permission: Permission
    """The caller's permission."""
    shared_from: AccessSource | None
    """The file or folder that is shared with the caller, itself or above; null for the owner."""
    shares: list[AccessShare]
    """For the owner: shares with people, its own first. Empty for others."""
    links: list[AccessLink]
    """For the owner: public links, its own first; expired ones are left out. Empty for others."""

"""Response of the access route."""

from docstore_metadata.links.schemas import Link
from docstore_metadata.sharing.schemas import Share
from docstore_metadata.tree.rules import Permission
from docstore_platform.answers import Answer


class AccessSource(Answer):
    """The file or folder that access was given on."""

    id: str
    """What `/v1/files/{id}` takes."""
    name: str
    """Its name."""


class AccessShare(Share):
    """A share that gives access, on the file or folder itself or on a folder above it."""

    inherited_from: AccessSource | None
    """The folder above that is shared; null if it is shared itself."""


class AccessLink(Link):
    """A public link that gives access, to the file or folder itself or to a folder above it."""

    inherited_from: AccessSource | None
    """The folder above that the link leads to; null if it leads to the file or folder itself."""


class Access(Answer):
    """Who can open a file or folder."""

    owner_id: str
    """Account that owns it."""
    owner_name: str | None
    """What it is called; null if that is not known."""
    permission: Permission
    """What the caller may do with it."""
    shared_from: AccessSource | None
    """What was shared with the caller, itself or a folder above; null for the owner."""
    shares: list[AccessShare]
    """For the owner: people it is shared with, its own shares first. Empty for others."""
    links: list[AccessLink]
    """For the owner: public links that lead to it, its own first; ended ones are left out. Empty for others."""

"""Response of the ancestors route."""

from docstore_metadata.answers import File
from docstore_platform.answers import Page


class AncestorList(Page[File]):
    """All folders on the way down to a file or folder, on one page."""

"""Response models of photos."""

from docstore_metadata.tree.views.schemas import File
from docstore_platform.http.response_models import Page, ResponseModel


class Photo(File):
    """A photo or video of the caller's own."""

    taken_at: str
    """When it was taken, by the camera's clock, as `2026-05-04T13:14:15` in an unknown time zone. If the file does not
    say: when its content was last changed on the client, or when it was created, in UTC."""


class PhotoPage(Page[Photo]):
    """Photos, the latest first. It may have fewer than `limit` though there are more."""


class PhotoMonth(ResponseModel):
    """A month in which photos were taken."""

    month: str
    """As `2026-05`."""
    count: int
    """Photos and videos taken in it. Those in a folder are counted until seconds after it was put into the trash."""


class PhotoMonths(Page[PhotoMonth]):
    """All months with photos, the latest first, on one page."""

"""Response model of what is known of a file's content."""

from typing import Literal

from docstore_platform.http.response_models import ResponseModel


class Media(ResponseModel):
    """The preview of a file's current version, and the facts in its content, which are not checked."""

    version: int
    """The version that all this is about."""
    state: Literal["none", "pending", "ready", "failed"]
    """Whether it has a preview; `none`: its type has none, or it has just been added."""
    reason: str
    """Why it failed, as in the event preview-failed; else empty."""
    kind: Literal["image", "pdf", "video"] | None
    """Kind of the content; null without a preview."""
    width: int | None
    """Pixels of an image or video, upright."""
    height: int | None
    """The same."""
    seconds: float | None
    """Length of a video."""
    pages: int | None
    """Pages of a document."""
    taken_at: str | None
    """When a photo was taken by the camera's clock, as `2026-05-04T13:14:15` in an unknown time zone."""
    camera: str | None
    """Maker and model."""
    orientation: int | None
    """How the camera was held, 1 to 8 as in EXIF; pictures are upright."""
    latitude: float | None
    """Where a photo was taken, in degrees, negative in the south. Never on pages of public links."""
    longitude: float | None
    """The same, negative in the west."""

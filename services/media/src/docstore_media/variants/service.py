"""Use case of variants: a picture of any size, format and page, rendered at its first request."""

import time
from dataclasses import KW_ONLY, dataclass, replace

from docstore_media.kinds import PAGED, Kind
from docstore_media.previews.service import Presigner, PreviewService, Subject
from docstore_media.rules import PIXELS, Size, Spec, Variant
from docstore_media.variants.repository import Made, Variants
from docstore_platform.errors import Forbidden, NotFound, Unavailable
from docstore_platform.security.tokens import Principal
from docstore_work.wakeup import Wakeup, wake

RENDER_WAKEUP = "media:variants"
CONVERT_WAKEUP = "media:videos"
REMOVE_WAKEUP = "media:variants-remove"
MADE_WAKEUP = "media:variant-made"
POLL_SECONDS = 0.25
"""How often to look for a variant that another instance renders."""
RETRY_AFTER_SECONDS = 2
RETRY_AFTER_SECONDS_OF_VIDEO = 5


@dataclass(slots=True)
class VariantService:
    """Answers readers within `wait_seconds`. Signed URLs work for `seconds`."""

    previews: PreviewService
    variants: Variants
    pictures: Presigner
    _: KW_ONLY
    seconds: int
    wait_seconds: float

    async def url(self, caller: Principal, file_id: str, spec: Spec) -> str:
        """Return a URL of this variant of the file's current version.

        NotFound as for its preview, and `preview_failed` with the `reason` if it can't be rendered. Unavailable
        `preview_in_progress` while it is being rendered. Forbidden `watermarked_only` for a video of which the account
        may only see pictures.
        """
        return await self.url_of(await self.previews.current(caller, file_id), spec)

    async def preview_url(self, caller: Principal, file_id: str, size: Size) -> str:
        """Return a URL of the preview that is ready beforehand, or with a watermark of a variant. Raises the same."""
        subject = await self.previews.current(caller, file_id)
        if not subject.watermark:
            return self.previews.signed(subject.ready, subject.name, size)
        return await self.url_of(subject, Spec(width=PIXELS[size], height=PIXELS[size]))

    async def url_of(self, subject: Subject, spec: Spec) -> str:
        """Return a URL of this variant, with the subject's watermark. Raises the same, except `not_found`."""
        found = subject.ready
        if subject.watermark:
            if spec.is_video:
                raise Forbidden("This video can only be seen as watermarked pictures.", code="watermarked_only")
            spec = replace(spec, watermark=subject.watermark)
        if spec.page > 1 and found.kind not in PAGED:
            raise _failed("no_such_page")
        if found.kind is not Kind.VIDEO and (spec.is_video or spec.second is not None):
            raise _failed("no_such_frame")
        variant = Variant(
            rendition_id=found.rendition_id, owner_id=found.owner_id, kind=found.kind, size=found.size, spec=spec
        )
        made = await self._made(variant)
        if made.state == "failed":
            raise _failed(made.reason)
        if made.state != "ready":
            raise _in_progress(spec, made)
        return self.pictures.presign_get(
            variant.object_key,
            filename=f"{subject.name}.{spec.key}",
            content_type=spec.content_type,
            expires_in=self.seconds,
        )

    async def _made(self, variant: Variant) -> Made:
        """Return its state once it is rendered, or after the time to wait. It is rendered once for all who wait."""
        found = await self.variants.find(variant.id)
        if found is None:
            await self.variants.request(variant)
            wake(CONVERT_WAKEUP if variant.spec.is_video else RENDER_WAKEUP)
        if variant.spec.is_video:  # takes minutes
            return found or Made("pending")
        made, end, wakeup = found or Made("pending"), time.monotonic() + self.wait_seconds, Wakeup([MADE_WAKEUP])
        try:
            while made.state == "pending" and (left := end - time.monotonic()) > 0:
                await wakeup.wait(min(POLL_SECONDS, left))
                made = await self.variants.find(variant.id) or made
        finally:
            wakeup.close()
        return made


def _in_progress(spec: Spec, made: Made) -> Unavailable:
    if spec.is_video:
        detail, wait = "The video is being converted; try again.", RETRY_AFTER_SECONDS_OF_VIDEO
        return Unavailable(detail, code="preview_in_progress", retry_after=wait, progress=made.progress)
    return Unavailable(
        "The picture is being rendered; try again.", code="preview_in_progress", retry_after=RETRY_AFTER_SECONDS
    )


def _failed(reason: str) -> NotFound:
    return NotFound("This picture of the file can't be rendered.", code="preview_failed", reason=reason)

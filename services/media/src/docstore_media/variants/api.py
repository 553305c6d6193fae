"""HTTP routes of previews and variants."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse, Response

from docstore_contracts.media import PictureRequest, PictureUrl
from docstore_media.previews.service import NamedVersion, PreviewService
from docstore_media.rules import MAX_SIDE, PIXELS, Fit, Format, Size, Spec
from docstore_media.variants.service import VariantService
from docstore_platform.errors import invalid
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX, PUBLIC_PREFIX
from docstore_platform.http.values import Watermark
from docstore_platform.security.service_identity import callers
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response

Side = Annotated[int | None, Query(ge=1, le=MAX_SIDE, description="Longest width or height in pixels")]


def preview_router(previews: PreviewService, variants: VariantService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["files"])

    @router.get("/files/{file_id}/preview", status_code=302, response_class=RedirectResponse)
    async def get_preview(
        caller: Caller,
        file_id: str,
        size: Annotated[Size | None, Query(description="at most 320 or 1600 pixels a side")] = None,
        width: Side = None,
        height: Side = None,
        fit: Annotated[
            Fit | None, Query(description="`contain`: the whole picture; `cover`: cropped to this shape")
        ] = None,
        form: Annotated[Format | None, Query(alias="format")] = None,
        page: Annotated[
            int | None, Query(ge=1, le=100_000, description="Page of a PDF or an Office document, from 1")
        ] = None,
        t: Annotated[float | None, Query(ge=0, le=86_400, description="Second of a video")] = None,
        kind: Annotated[
            Literal["poster", "rendition"],
            Query(description="Of a video: a picture of it, or an MP4 that every browser plays"),
        ] = "poster",
        watermark: Annotated[
            Watermark | None, Query(description="A text all over the picture, as readers of a share would see it")
        ] = None,
        _: Annotated[
            int | None,
            Query(alias="v", description="The file's version, for a URL that changes with it; it chooses no version."),
        ] = None,
    ) -> Response:
        """Redirect to a signed URL of a picture of the current version: of an image, a PDF's page or a video's
        frame.

        With `size` (`large` by default) to a WebP picture that is ready beforehand. With any other parameter to one
        that is rendered when first asked for, never larger than the original.

        A caller whose shares have a watermark gets every picture with it, and no video: 403 `watermarked_only`.

        422 `invalid_picture` if the parameters don't go together: `size` with a width, a height or a fit, `cover`
        without both sides, `rendition` with any other.

        404 `no_preview` if the file has none, which its `preview` field shows; 404 `preview_failed` with the `reason`
        if such a picture of it can't be rendered; 503 `preview_in_progress` while it is rendered.
        """
        wanted: dict[str, Any] = {"width": width, "height": height, "fit": fit, "format": form, "page": page}
        wanted["watermark"] = watermark
        if t is not None:
            wanted["second"] = round(t, 1)
        given = {name: value for name, value in wanted.items() if value is not None}
        if kind == "rendition":
            if given or size is not None:
                raise invalid("The rendition of a video has no other parameters.", "invalid_picture")
            url = await variants.url(caller, file_id, Spec(is_video=True))
        elif given:
            url = await variants.url(caller, file_id, _spec(size, given))
        else:
            url = await variants.preview_url(caller, file_id, size or "large")
        return RedirectResponse(url, 302, headers={"cache-control": f"private, max-age={previews.kept_seconds}"})

    return router


def internal_picture_router(previews: PreviewService, variants: VariantService) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["internal"])

    @router.post("/pictures", dependencies=[callers("metadata")], response_model=described(PictureUrl))
    async def picture(body: PictureRequest) -> Response:
        """Signed URL of a picture, with the watermark if there is one, rendered now if need be.

        The caller checks who may see it.
        """
        file, side = body["file"], PIXELS[body["size"]]
        version = NamedVersion(file["file_id"], file["version"], file["name"])
        subject = await previews.subject(version, body["watermark"])
        url = await variants.url_of(subject, Spec(width=side, height=side, page=body["page"]))
        return json_response(PictureUrl(url=url))

    return router


def _spec(size: Size | None, given: dict[str, Any]) -> Spec:
    if size is not None and {"width", "height", "fit"} & given.keys():
        raise invalid("Name either `size`, or `width` and `height`.", "invalid_picture")
    if given.get("fit") == "cover" and not {"width", "height"} <= given.keys():
        raise invalid("A picture that covers a shape needs `width` and `height`.", "invalid_picture")
    if size is not None:
        given |= {"width": PIXELS[size], "height": PIXELS[size]}
    elif given.keys() & {"width", "height"}:
        given = {"width": MAX_SIDE, "height": MAX_SIDE} | given
    return Spec(**given)

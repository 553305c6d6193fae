"""Renders contents by the real worker process, as the tests of pictures do."""

from typing import Any

import media_originals as originals
import pytest
from PIL import Image

from docstore_media.kinds import Kind
from docstore_media.rendering.renderer import WorkerRenderer
from docstore_media.rules import Rendered, RenderFailed, Rendition, Size, Spec, Variant


async def render(renderer: WorkerRenderer, data: bytes, kind: Kind = Kind.IMAGE) -> dict[Size, bytes]:
    return (await rendered(renderer, data, kind)).pictures


async def rendered(renderer: WorkerRenderer, data: bytes, kind: Kind = Kind.IMAGE) -> Rendered:
    store: Any = renderer._contents._store
    store.objects["k"] = data
    rendition = Rendition(
        id="r", owner_id="a", kind=kind, size=len(data), attempts=1, waits=0, lease_owner="l", traceparent=None
    )
    return await renderer.render(rendition, ["gone", "k"])


async def refused(renderer: WorkerRenderer, data: bytes, kind: Kind = Kind.IMAGE) -> str:
    with pytest.raises(RenderFailed) as caught:
        await render(renderer, data, kind)
    return caught.value.reason


def variant_of(data: bytes, kind: Kind, spec: Spec) -> Variant:
    return Variant(rendition_id="r", owner_id="a", kind=kind, size=len(data), spec=spec)


async def variant(renderer: WorkerRenderer, data: bytes, kind: Kind = Kind.IMAGE, **wanted: Any) -> Image.Image:
    store: Any = renderer._contents._store
    store.objects["k"] = data
    made = await renderer.render_variant(variant_of(data, kind, Spec(**wanted)), ["k"])
    return originals.opened(made)

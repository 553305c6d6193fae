"""Parts of a video under conversion: which of them count, and that a record of each comes before it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from media_contents import Store

from docstore_media.kinds import Kind
from docstore_media.rendering.failures import NotStored
from docstore_media.rules import Spec, Variant, VideoPart
from docstore_media.variants.stored_parts import StoredParts


class Bucket(Store):
    """The processed bucket, which may be away."""

    is_away = False

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None:
        if self.is_away:
            raise ConnectionError("the store is away")
        self.objects[key] = b"new"

    async def put(self, key: str, data: bytes, *, content_type: str) -> Any: ...

    async def delete(self, key: str) -> None: ...

    async def delete_many(self, keys: Any) -> None: ...


class Records:
    def __init__(self) -> None:
        self.latest: list[VideoPart] = []

    async def record_parts(self, variant: Variant, parts: Sequence[VideoPart]) -> None:
        self.latest = list(parts)


def video(*parts: VideoPart) -> Variant:
    return Variant(rendition_id="r", owner_id="a", kind=Kind.VIDEO, size=1, spec=Spec(is_video=True), parts=parts)


async def test_a_conversion_continues_behind_the_last_part_that_is_there(tmp_path: Path) -> None:
    """What was never stored is passed over; behind a part that is lost, none counts, but all stay recorded."""
    a, b, c, d = (VideoPart(name, end, name != "b") for name, end in (("a", 30), ("b", 60), ("c", 60), ("d", 90)))
    variant, bucket, records, joined = video(a, b, c, d), Bucket(), Records(), tmp_path / "joined"
    bucket.objects = {variant.part_key(a): b"A", variant.part_key(d): b"D"}
    parts = StoredParts(records, bucket, variant)
    assert await parts.fetch(joined) == 30
    assert await asyncio.to_thread(joined.read_bytes) == b"A"
    await parts.keep(joined, 60)
    assert [part.name for part in records.latest[:4]] == ["a", "b", "c", "d"]
    assert [part.is_stored for part in records.latest] == [True, False, False, False, True]
    assert variant.part_key(records.latest[4]) in bucket.objects


async def test_a_part_is_recorded_before_it_is_stored(tmp_path: Path) -> None:
    """So that what a crash leaves in the bucket is found, and deleted with the video."""
    bucket, records = Bucket(), Records()
    bucket.is_away = True
    with pytest.raises(NotStored):
        await StoredParts(records, bucket, video()).keep(tmp_path / "part", 30)
    assert [(part.end, part.is_stored) for part in records.latest] == [(30, False)]

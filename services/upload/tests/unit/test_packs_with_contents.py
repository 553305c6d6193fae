"""Packs whose contents are in the request that begins them."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest
from pack_world import FILES, MakePacks, PackWorld, slice_of, wish

from docstore_platform.errors import DomainError
from docstore_upload.packs.validation import read_file


def with_content(path: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {"path": path, "size": len(content), "content": b64encode(content).decode(), **more}


async def store(packs: PackWorld, *items: Any) -> Any:
    return await packs.service.initiate(packs.world.person, [read_file(item) for item in items])


async def store_all(packs: PackWorld, files: Mapping[str, bytes]) -> Any:
    return await store(packs, *(with_content(path, content) for path, content in files.items()))


async def test_one_request_stores_and_commits(make_packs: MakePacks) -> None:
    """The response has the files; the pack is one that was sent in three requests, without instructions."""
    packs = make_packs()
    pack = await store_all(packs, FILES)
    await packs.world.drain()
    assert [result["file"]["path"] for result in pack["files"]] == list(FILES)
    assert pack["state"] == "completed"
    assert "put" not in pack
    stored = packs.packs.stored[pack["id"]]
    content = packs.store.objects[stored.object_key]
    assert [slice_of(content, number) for number in range(3)] == list(FILES.values())
    assert packs.published(pack["id"]) == ["pack-initiated", "pack-completed"]
    assert packs.services.metadata.calls == {"uploads/check": 1, "commits": 1}


async def test_each_file_has_a_result_in_its_place(make_packs: MakePacks) -> None:
    """Refused are contents that are missing, no Base64, or not as declared."""
    packs = make_packs()
    pack = await store(
        packs,
        with_content("/a", b"a"),
        with_content("/../b", b"b"),
        wish("/c", b"c"),
        {"path": "/d", "size": 1, "content": "not Base64"},
        with_content("/e", b"e", size=2),
        with_content("/f", b"f", sha256=64 * "0"),
        with_content("/g", b"g", sha256=sha256(b"g").hexdigest().upper()),
    )
    codes = [result.get("problem", {}).get("code") for result in pack["files"]]
    wrong = ["invalid_path", "invalid_content", "invalid_content", "invalid_size", "upload_mismatch"]
    assert codes == [None, *wrong, None]
    assert [row["item"]["path"] for row in packs.services.metadata.committed.values()] == ["/a", "/g"]


async def test_no_file_accepted_stores_nothing(make_packs: MakePacks) -> None:
    """There is no pack then."""
    packs = make_packs()
    assert (await store_all(packs, {"/../x": b"x"}))["id"] is None
    assert not packs.store.objects


async def test_what_can_not_be_committed_yet_stays_open(make_packs: MakePacks) -> None:
    """The response has no results; `complete` gives them once metadata can be asked."""
    packs = make_packs()
    busy = {"status": 503, "code": "unavailable", "detail": "Metadata is temporarily unavailable."}
    packs.services.metadata.refusals = dict.fromkeys(FILES, busy)
    pack = await store_all(packs, FILES)
    assert pack["state"] != "completed"
    assert [place["offset"] for place in pack["files"]] == [0, 3, 3]
    packs.services.metadata.refusals.clear()
    assert [result["file"]["path"] for result in await packs.complete(pack)] == list(FILES)


async def test_what_can_not_be_stored_is_given_up(make_packs: MakePacks) -> None:
    """The caller hears of it, and nothing stays reserved."""
    packs = make_packs()
    packs.store.down = True
    with pytest.raises(DomainError) as refused:
        await store_all(packs, FILES)
    assert refused.value.code == "unavailable"
    [pack] = packs.packs.stored.values()
    assert pack.state == "aborted"

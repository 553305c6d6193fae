"""Validation of packs: allowed files and owners."""

from dataclasses import replace

import pytest
from pack_world import FILES, MakePacks, wish

from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_upload.packs.rules import common_folder
from docstore_upload.packs.validation import read_file


async def test_refusals_leave_gaps(make_packs: MakePacks) -> None:
    """A file that may not be is answered in its place; the numbers of the others are their places."""
    packs = make_packs()
    files = [
        wish("/a", b"a"),
        wish("/../b", b"b"),
        {"path": "/c", "size": 1},
        wish("/d", b"d" * 70_000),
        wish("/e", b"e"),
    ]
    pack = await packs.service.initiate(packs.world.person, [read_file(file) for file in files])
    codes = [place["problem"]["code"] for place in pack["files"] if "problem" in place]
    assert codes == ["invalid_path", "invalid_sha256", "too_large_for_method"]
    assert [place.get("number") for place in pack["files"]] == [0, None, None, None, 4]
    await packs.send(pack, [b"a", b"", b"", b"", b"e"])
    assert [answer["number"] for answer in await packs.complete(pack)] == [0, 4]


async def test_no_file_accepted_is_no_pack(make_packs: MakePacks) -> None:
    """Then nothing is stored, reserved or published."""
    packs = make_packs()
    pack = await packs.initiate({"/../x": b"x"})
    assert pack["id"] is None
    assert not packs.packs.stored
    assert not packs.world.transactor.events


async def test_only_what_fits_the_quota(make_packs: MakePacks) -> None:
    """Files that do not fit are refused by themselves."""
    packs = make_packs()
    packs.services.quota.limit = 4
    pack = await packs.initiate({"/a": b"aaa", "/b": b"bbb", "/c": b"c"})
    assert pack["files"][1]["problem"]["code"] == "over_quota"
    assert [place.get("offset") for place in pack["files"]] == [0, None, 3]


async def test_only_ones_own_tree(make_packs: MakePacks) -> None:
    """A pack never crosses an account: its signed URL opens all of it."""
    packs = make_packs()
    packs.services.metadata.owners["theirs"] = "a2"
    pack = await packs.initiate({"/a": b"a"}, parent_id="theirs")
    assert pack["files"][0]["problem"]["code"] == "pack_own_tree"


async def test_too_much_for_a_pack(make_packs: MakePacks) -> None:
    """More than 16 MiB together is refused as a whole."""
    packs = make_packs()
    with pytest.raises(DomainError) as refused:
        await packs.initiate({f"/{number}": b"x" * 65_536 for number in range(257)})
    assert refused.value.code == "pack_too_large"


async def test_a_foreign_pack_is_unknown(make_packs: MakePacks) -> None:
    """404 for whoever did not begin it."""
    packs = make_packs()
    pack = await packs.initiate(FILES)
    packs.world.person = replace(packs.world.person, account_id="a2")
    with pytest.raises(DomainError) as refused:
        await packs.service.get(packs.world.person, pack["id"])
    assert problem_of(refused.value).status == 404


def test_common_folder() -> None:
    """The nearest folder above all; of one file its path."""
    assert common_folder(["/a/b/1", "/a/b/2"]) == "/a/b"
    assert common_folder(["/a/b/1", "/a/c"]) == "/a"
    assert common_folder(["/1", "/a/2"]) == "/"
    assert common_folder(["/a/1"]) == "/a/1"

"""Uploads and downloads of many files at once."""

import os
from pathlib import Path

import pytest
from fake_docstore import FakeDocStore
from hypothesis import given
from hypothesis import strategies as st

from docstore_client import ApiError, AsyncClient, ContentDiffers, LocalError, Source, Wanted
from docstore_client.models import File
from docstore_client.uploading.packs import PACKED_BELOW, pack_bytes
from docstore_contents.packs import MAX_INDEX_BYTES, read_index

KIB = 1 << 10


def local_files(folder: Path, count: int, size: int) -> list[Path]:
    paths = [folder / f"local-{number}" for number in range(count)]
    for path in paths:
        path.write_bytes(os.urandom(size))
    return paths


def sent(outcomes: list[object]) -> list[File]:
    return [outcome for outcome in outcomes if isinstance(outcome, File)]


@given(st.dictionaries(st.integers(0, 511), st.binary(max_size=3000), max_size=20))
def test_the_server_reads_the_packs_that_are_written_here(slices: dict[int, bytes]) -> None:
    """Every slice is found by its number, empty ones too."""
    pack = pack_bytes(slices)
    index = read_index(pack[-MAX_INDEX_BYTES:], len(pack))
    assert {number: pack[at.offset : at.offset + at.size] for number, at in index.items()} == slices


async def test_small_files_go_and_come_in_packs(client: AsyncClient, server: FakeDocStore, tmp_path: Path) -> None:
    """700 of them: two objects, three calls for each; back by one call and one request a pack."""
    paths = local_files(tmp_path, 700, 100)
    paths[5].write_bytes(b"")
    moved: list[int] = []
    outcomes = await client.upload_many([Source(path, f"/{path.name}") for path in paths], moved.append)
    files = sent(list(outcomes))
    assert [file.path for file in files] == [f"/{path.name}" for path in paths]
    assert sum(moved) == 699 * 100
    assert sorted(call.rpartition("/")[2] for call in server.calls) == ["complete", "complete", "packs", "packs"]
    assert len([key for key in server.objects if key.startswith("packs/")]) == 2

    server.calls.clear()
    targets = [tmp_path / f"back-{number}" for number in range(len(files))]
    wanted = [Wanted(file, target) for file, target in zip(files, targets, strict=True)]
    assert await client.download_many(wanted, moved.append) == [None] * len(files)
    assert [target.read_bytes() for target in targets] == [path.read_bytes() for path in paths]
    assert server.calls == ["POST /v1/contents"]
    assert len(server.fetched) == 2


async def test_each_file_goes_the_way_that_suits_it(client: AsyncClient, server: FakeDocStore, tmp_path: Path) -> None:
    """Small, middling, large, and small in another's tree, which is in no pack: all arrive, in their order."""
    server.strangers = {"/theirs"}
    sizes = {"/a": 10, "/b": 20, "/middle": PACKED_BELOW, "/large": 5 << 20, "/theirs": 30, "/c": PACKED_BELOW - 1}
    sources = []
    for path, size in sizes.items():
        (tmp_path / path[1:]).write_bytes(os.urandom(size))
        sources.append(Source(tmp_path / path[1:], path))
    files = sent(list(await client.upload_many(sources)))
    assert {file.path: file.size for file in files} == sizes
    assert {files[n].path for n in range(6) if files[n].id in server.slices} == {"/a", "/b", "/c"}
    assert {files[n].path for n in range(6) if files[n].id in server.blocks_of} == {"/large"}
    wanted = [Wanted(file, tmp_path / f"back{file.name}") for file in files]
    assert await client.download_many(wanted) == [None] * 6
    assert all((tmp_path / f"back{path[1:]}").read_bytes() == (tmp_path / path[1:]).read_bytes() for path in sizes)


async def test_each_file_of_a_pack_has_its_own_outcome(
    client: AsyncClient, server: FakeDocStore, tmp_path: Path
) -> None:
    """One that isn't there, one that is not as it was measured, one that has grown: the others arrive."""
    paths = local_files(tmp_path, 4, 100)
    sources = [Source(path, f"/{path.name}") for path in paths]
    sources.append(Source(tmp_path / "nothing", "/nothing"))
    sources.append(Source(paths[0], "/other", measured=(100, "0" * 64)))
    grown = tmp_path / "grown"
    grown.write_bytes(bytes(PACKED_BELOW))
    sources.append(Source(grown, "/grown", measured=(100, "0" * 64)))
    outcomes = await client.upload_many(sources)
    assert list(map(type, outcomes)) == [File] * 4 + [LocalError, ContentDiffers, ContentDiffers]
    assert len(server.files) == 4


async def test_a_file_that_has_moved_is_fetched_alone(
    client: AsyncClient, server: FakeDocStore, tmp_path: Path
) -> None:
    """A pack that was rewritten meanwhile, or is gone; a file that is gone has its own refusal."""
    paths = local_files(tmp_path, 6, 5000)
    files = sent(list(await client.upload_many([Source(path, f"/{path.name}") for path in paths])))
    pack, offset = server.slices[files[2].id]
    server.slices[files[2].id] = (pack, offset + 1)
    server.slices[files[4].id] = ("packs/gone", 0)
    del server.files[files[5].id]
    targets = [tmp_path / f"back-{number}" for number in range(6)]
    wanted = [Wanted(file, target) for file, target in zip(files, targets, strict=True)]
    outcomes = await client.download_many(wanted)
    assert outcomes[:5] == [None] * 5
    assert isinstance(outcomes[5], ApiError)
    assert [target.read_bytes() for target in targets[:5]] == [path.read_bytes() for path in paths[:5]]
    assert len([call for call in server.calls if call.endswith("/content")]) == 2


async def test_slices_that_lie_far_apart_are_fetched_apart(
    client: AsyncClient, server: FakeDocStore, tmp_path: Path
) -> None:
    """Two of a hundred neighbours are not worth the others between them."""
    paths = local_files(tmp_path, 100, 10 * KIB)
    files = sent(list(await client.upload_many([Source(path, f"/{path.name}") for path in paths])))
    picked = [0, 1, 3, 98]
    wanted = [Wanted(files[number], tmp_path / f"back-{number}") for number in picked]
    assert await client.download_many(wanted) == [None] * 4
    assert [wanted for _, wanted in server.fetched] == [f"bytes=0-{40 * KIB - 1}", f"bytes={980 * KIB}-{990 * KIB - 1}"]


async def test_a_place_beside_is_only_held_by_what_is_whole(
    client: AsyncClient, server: FakeDocStore, tmp_path: Path
) -> None:
    """Written there itself: instead of what an earlier try has left, read-only or not, and only if it is whole."""
    paths = local_files(tmp_path, 3, 5000)
    files = sent(list(await client.upload_many([Source(path, f"/{path.name}") for path in paths])))
    server.slices[files[2].id] = ("packs/gone", 0)
    (beside := tmp_path / "beside").mkdir()
    targets = [beside / f"{number}" for number in range(3)]
    targets[1].write_bytes(bytes(9000))
    targets[1].chmod(0o444)
    wanted = [Wanted(file, at, is_beside=True) for file, at in zip(files, targets, strict=True)]
    assert await client.download_many(wanted) == [None] * 3
    assert [target.read_bytes() for target in targets] == [path.read_bytes() for path in paths]
    assert sorted(beside.iterdir()) == targets
    assert targets[1].stat().st_mode == targets[0].stat().st_mode


@pytest.mark.parametrize("name", ["\U0001f600" * 63, "a" + "\U0001f600" * 63], ids=["even", "odd"])
async def test_a_file_with_the_longest_of_names_is_fetched(
    name: str, client: AsyncClient, server: FakeDocStore, tmp_path: Path
) -> None:
    """A name takes up to 255 bytes, however many characters that are; so does that of the file beside it."""
    file = File.model_validate(server.add(b"content"))
    await client.download(file, tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"content"


async def test_a_place_that_can_not_be_written_fails_alone(
    client: AsyncClient, server: FakeDocStore, tmp_path: Path
) -> None:
    """A folder that isn't there: the others are."""
    paths = local_files(tmp_path, 3, 100)
    files = sent(list(await client.upload_many([Source(path, f"/{path.name}") for path in paths])))
    targets = [tmp_path / "back", tmp_path / "no" / "such" / "folder", tmp_path / "too"]
    outcomes = await client.download_many([Wanted(file, at) for file, at in zip(files, targets, strict=True)])
    assert list(map(type, outcomes)) == [type(None), FileNotFoundError, type(None)]

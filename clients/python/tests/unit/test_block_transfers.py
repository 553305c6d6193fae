"""Uploads and downloads of large files."""

import os
from collections import Counter
from pathlib import Path
from random import Random

import orjson
import pytest
from aiohttp import web
from fake_docstore import FakeDocStore

from docstore_client import ApiError, AsyncClient, ContentDiffers, Source, StoreError
from docstore_client.models import File
from docstore_client.sources import measure

MIB = 1 << 20
CONTENT = Random(7).randbytes(40 * MIB)


def local_file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def sent_blocks(server: FakeDocStore) -> dict[str, int]:
    return {key: len(data) for key, data in server.objects.items() if key.startswith("blocks/")}


def fetched_blocks(server: FakeDocStore) -> list[str]:
    return [key for key, _ in server.fetched if key.startswith("blocks/")]


async def test_a_large_file_goes_in_blocks_and_a_changed_one_in_those_that_changed(
    client: AsyncClient, server: FakeDocStore, tmp_path: Path
) -> None:
    """All of it once; then about as much as was inserted. Progress adds up to the size both times."""
    moved: list[int] = []
    path = local_file(tmp_path, "large", CONTENT)
    file = await client.upload(Source(path, "/large"), moved.append)
    assert (file.size, file.sha256) == measure(path)
    assert sum(moved) == len(CONTENT)
    first = sent_blocks(server)
    assert sum(first.values()) == pytest.approx(len(CONTENT), rel=0.001)

    moved.clear()
    server.calls.clear()
    path.write_bytes(CONTENT[: 20 * MIB] + os.urandom(MIB) + CONTENT[20 * MIB :])
    file = await client.upload(Source(path, "/large", base_version=1, measured=measure(path)), moved.append)
    assert file.size == sum(moved) == len(CONTENT) + MIB
    assert sum(sent_blocks(server).values()) - sum(first.values()) < 6 * MIB
    assert 1 <= server.calls.count("POST /v1/blocks/missing") <= 2


async def test_the_length_of_each_frame_is_declared(client: AsyncClient, server: FakeDocStore, tmp_path: Path) -> None:
    """So that the URL can take no other; what travels is that long."""
    await client.upload(Source(local_file(tmp_path, "large", CONTENT), "/large"))
    assert server.lengths == {key.removeprefix("blocks/"): size for key, size in sent_blocks(server).items()}


async def test_a_server_that_knows_no_lengths(client: AsyncClient, server: FakeDocStore, tmp_path: Path) -> None:
    """One of an older version refuses them once, and is asked without from then on."""
    server.is_older = True
    path = local_file(tmp_path, "large", CONTENT)
    assert (await client.upload(Source(path, "/large"))).size == len(CONTENT)
    assert not server.lengths


async def test_blocks_are_looked_at_while_others_are_sent(
    client: AsyncClient, server: FakeDocStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once enough have been sent they are asked for again, so that the end of a large upload takes no time for them."""
    monkeypatch.setattr("docstore_client.uploading.block_uploads.QUERIED_AT_ONCE", 4)
    monkeypatch.setattr("docstore_client.uploading.block_uploads.BUFFERS", 1)
    await client.upload(Source(local_file(tmp_path, "large", CONTENT), "/large"))
    again = len(server.requested) - len(set(server.requested))
    assert 4 <= again < len(sent_blocks(server))
    assert max(Counter(server.requested).values()) == 2


async def test_a_block_that_is_not_there_when_it_is_looked_at_is_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end, when the server lists the missing ones."""
    monkeypatch.setattr("docstore_client.uploading.block_uploads.QUERIED_AT_ONCE", 4)
    monkeypatch.setattr("docstore_client.uploading.block_uploads.BUFFERS", 1)
    missing = FakeDocStore.missing
    lost: list[str] = []

    async def losing(self: FakeDocStore, request: web.Request) -> web.Response:
        if not lost and len(sent_blocks(self)) >= 4:
            lost.append(next(iter(sent_blocks(self))))
            del self.objects[lost[0]]
        return await missing(self, request)

    monkeypatch.setattr(FakeDocStore, "missing", losing)
    async with FakeDocStore().serving() as server, AsyncClient(server.url) as client:
        path = local_file(tmp_path, "large", CONTENT)
        file = await client.upload(Source(path, "/large"))
        assert (file.size, file.sha256) == measure(path)
        assert set(lost) < set(sent_blocks(server))
        assert server.requested.count(lost[0].removeprefix("blocks/")) == 3, "sent, looked at, sent again"


async def test_equal_blocks_are_sent_once_and_small(client: AsyncClient, server: FakeDocStore, tmp_path: Path) -> None:
    """Of a file of zeros there is one block, and its frame is short; the bar still gets to its end."""
    moved: list[int] = []
    await client.upload(Source(local_file(tmp_path, "zeros", bytes(40 * MIB)), "/zeros"), moved.append)
    assert sum(moved) == 40 * MIB
    assert [size < 1000 for size in sent_blocks(server).values()] == [True]


async def test_blocks_collected_meanwhile_are_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A completion whose answer lists missing blocks gets them."""
    path = local_file(tmp_path, "large", CONTENT)
    complete = FakeDocStore.complete
    lost: list[str] = []

    async def losing(self: FakeDocStore, request: web.Request) -> web.Response:
        if not lost:
            lost.extend(list(sent_blocks(self))[3:12])
            for key in lost:
                del self.objects[key]
        return await complete(self, request)

    monkeypatch.setattr(FakeDocStore, "complete", losing)
    async with FakeDocStore().serving() as server, AsyncClient(server.url) as client:
        file = await client.upload(Source(path, "/large"))
        assert file.size == len(CONTENT)
        assert set(lost) < set(sent_blocks(server))


async def test_a_file_that_is_not_what_it_was_is_no_upload(
    client: AsyncClient, server: FakeDocStore, tmp_path: Path
) -> None:
    """One that differs from how it was measured, or changes while it is read, is refused; no upload is left behind."""
    path = local_file(tmp_path, "large", CONTENT)
    with pytest.raises(ContentDiffers):
        await client.upload(Source(path, "/large", measured=(len(CONTENT), "0" * 64)))

    def change(_: int) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    with pytest.raises(ContentDiffers):
        await client.upload(Source(path, "/large"), change)
    assert (server.begun, server.files) == ({}, {})


async def test_uploads_over_quota_are_not_sent(client: AsyncClient, server: FakeDocStore, tmp_path: Path) -> None:
    """Nothing moves if the quota is known to be too small, below a folder of one's own too; another's is not known."""
    server.quota = 39 * MIB
    path = local_file(tmp_path, "large", CONTENT)
    mine, theirs = server.add(b"", "/mine"), server.add(b"", "/theirs")
    theirs["owner_id"] = "somebody else"
    before = dict(server.objects)
    for parent_id in (None, "root", mine["id"]):
        with pytest.raises(ApiError) as refused:
            await client.upload(Source(path, "/large", parent_id=parent_id))
        assert (refused.value.status, refused.value.code) == (507, "over_quota")
    assert server.objects == before
    assert (await client.upload(Source(path, "/large", parent_id=theirs["id"]))).size == len(CONTENT)


@pytest.fixture
async def large(client: AsyncClient, tmp_path: Path) -> File:
    """A file that is there in blocks."""
    return await client.upload(Source(local_file(tmp_path, "sent", CONTENT), "/large"))


async def test_a_download_takes_what_an_old_copy_has(
    client: AsyncClient, server: FakeDocStore, large: File, tmp_path: Path
) -> None:
    """From the file that is replaced, or from another one that is named: only what they lack is fetched."""
    old = CONTENT[: 5 * MIB] + b"other" * 1000 + CONTENT[6 * MIB :]
    moved: list[int] = []
    await client.download(large, local_file(tmp_path, "there", old), progress=moved.append)
    assert (tmp_path / "there").read_bytes() == CONTENT
    assert sum(moved) == len(CONTENT)
    assert 0 < len(fetched_blocks(server)) <= 4
    server.fetched.clear()
    await client.download(large, tmp_path / "new", old=tmp_path / "there")
    assert (tmp_path / "new").read_bytes() == CONTENT
    assert fetched_blocks(server) == []


async def test_a_download_in_blocks_goes_on_where_one_was_cut_off(
    client: AsyncClient, server: FakeDocStore, large: File, tmp_path: Path
) -> None:
    """What is in its place already is not fetched again, damaged or missing blocks are; no part is left."""
    part = tmp_path / f".target.{large.id[-8:]}-1.part"
    left = bytearray(CONTENT[: 30 * MIB])
    left[10 * MIB] ^= 1
    part.write_bytes(left)
    await client.download(large, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == CONTENT
    assert len(fetched_blocks(server)) < len(server.blocks_of[large.id]) / 2
    assert not part.exists()


class Expiring(FakeDocStore):
    """Signs URLs again with each page, good for so many blocks; `is_closed`: for none."""

    good_for = 12
    is_closed = False

    async def blocks(self, request: web.Request) -> web.Response:
        answer = orjson.loads((await super().blocks(request)).body)
        signature = len(self.calls)
        answer["blocks"] = [{**each, "url": f"{each['url']}?signature={signature}"} for each in answer["blocks"]]
        self.left = {str(signature): self.good_for}
        return web.json_response(answer)

    async def get(self, request: web.Request) -> web.Response:
        signature = request.query["signature"]
        if self.is_closed or not self.left.get(signature):
            return web.Response(status=403, text="Request has expired")
        self.left[signature] -= 1
        return await super().get(request)


async def test_urls_that_expire_before_their_turn_are_renewed(tmp_path: Path) -> None:
    """On a slow line, as often as need be: nothing is fetched or counted twice. Who may not read is refused."""
    moved: list[int] = []
    async with Expiring().serving() as server, AsyncClient(server.url) as client:
        large = await client.upload(Source(local_file(tmp_path, "sent", CONTENT), "/large"))
        await client.download(large, tmp_path / "back", progress=moved.append)
        assert (tmp_path / "back").read_bytes() == CONTENT
        assert sum(moved) == len(CONTENT)
        assert len(fetched_blocks(server)) == len(server.blocks_of[large.id])
        server.is_closed = True
        server.calls.clear()
        with pytest.raises(StoreError):
            await client.download(large, tmp_path / "no")
        assert len(server.calls) == 2


async def test_damaged_content_takes_no_files_place(
    client: AsyncClient, server: FakeDocStore, large: File, tmp_path: Path
) -> None:
    """Neither a block that is another one, nor a list of blocks that make another file; what was there stays."""
    target = local_file(tmp_path, "target", b"old")
    blocks = server.blocks_of[large.id]
    blocks[0], blocks[1] = blocks[1], blocks[0]
    with pytest.raises(ContentDiffers):
        await client.download(large, target)
    blocks[0], blocks[1] = blocks[1], blocks[0]
    server.objects[f"blocks/{blocks[2]['hash']}"] = server.objects[f"blocks/{blocks[3]['hash']}"]
    with pytest.raises(ContentDiffers):
        await client.download(large, target)
    assert target.read_bytes() == b"old"


async def test_large_content_that_is_not_in_blocks_comes_as_it_is(
    client: AsyncClient, server: FakeDocStore, tmp_path: Path
) -> None:
    """One question more, then the object."""
    file = File.model_validate(server.add(CONTENT))
    await client.download(file, tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == CONTENT
    assert server.calls == [f"GET /v1/files/{file.id}/blocks", f"GET /v1/files/{file.id}/content"]


class Busy(FakeDocStore):
    """Its store refuses to give anything for a while: each first try is answered with `status`."""

    status = 200

    async def content(self, request: web.Request) -> web.Response:
        raise web.HTTPFound(f"{self.url}/store/files/{request.match_info['id']}")

    async def get(self, request: web.Request) -> web.Response:
        answer = await super().get(request)
        key = request.match_info["key"]
        is_first = [fetched for fetched, _ in self.fetched].count(key) == 1
        return web.Response(status=self.status, text="SlowDown") if is_first else answer


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_passing_refusal_of_the_store_is_retried(status: int, tmp_path: Path) -> None:
    """Of an object and of blocks; what it refuses for good is not."""
    async with Busy().serving() as server, AsyncClient(server.url) as client:
        server.status = status
        whole = File.model_validate(server.add(CONTENT, "/whole"))
        large = await client.upload(Source(local_file(tmp_path, "sent", CONTENT[: 8 * MIB]), "/large"))
        for file, content in ((whole, CONTENT), (large, CONTENT[: 8 * MIB])):
            await client.download(file, tmp_path / "back")
            assert (tmp_path / "back").read_bytes() == content
        server.status = 404
        server.fetched.clear()
        gone = File.model_validate(server.add(CONTENT, "/gone"))
        with pytest.raises(StoreError):
            await client.download(gone, tmp_path / "gone")
        assert len(server.fetched) == 1


async def test_a_long_list_of_blocks_comes_in_pages(
    client: AsyncClient, large: File, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page's blocks follow those of the page before."""
    monkeypatch.setattr("docstore_client.downloading.block_downloads.BLOCKS_A_CALL", 7)
    await client.download(large, tmp_path / "paged")
    assert (tmp_path / "paged").read_bytes() == CONTENT

"""A ZIP is downloaded to its end or not at all, over connections that break."""

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from docstore_client import AsyncClient, Unreachable
from docstore_client.downloading import zip_downloads
from docstore_client.network import retrying

CONTENT = bytes(range(256)) * 400


class Gateway:
    """Sends so many bytes of a ZIP at each request, then breaks the connection; the last time all."""

    def __init__(self, *sent: int, is_resumable: bool = True) -> None:
        self.sent = list(sent)
        self.is_resumable = is_resumable
        self.ranges: list[tuple[str, str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.query.getall("id") == ["a", "b"]
        self.ranges.append((request.headers.get("range", ""), request.headers.get("if-range", "")))
        start = int(request.headers.get("range", "bytes=0-")[6:-1]) if self.is_resumable else 0
        headers = {"etag": '"z"', "content-length": str(len(CONTENT) - start)}
        response = web.StreamResponse(status=206 if start else 200, headers=headers)
        await response.prepare(request)
        limit = self.sent.pop(0) if self.sent else len(CONTENT)
        await response.write(CONTENT[start : start + limit])
        if limit < len(CONTENT) and request.transport is not None:
            request.transport.close()
        return response


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_downloads, "pause", lambda _: 0)


def contents_of(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir()]


async def fetch(gateway: Gateway, local: Path) -> int:
    """Download; returns the sum of what was reported."""
    app = web.Application()
    app.add_routes([web.get("/v1/files/zip", gateway.answer)])
    moved = 0

    def count(size: int) -> None:
        nonlocal moved
        moved += size

    async with TestServer(app) as server, AsyncClient(str(server.make_url(""))) as client:
        await client.download_zip(["a", "b"], local, lambda _: count)
    return moved


async def test_a_broken_connection_continues_where_it_ended(tmp_path: Path) -> None:
    """By a range of the same ZIP; nothing else stays in the folder."""
    gateway = Gateway(50_000, 20_000)
    assert await fetch(gateway, tmp_path / "all.zip") == len(CONTENT)
    assert contents_of(tmp_path) == [CONTENT]
    assert gateway.ranges == [("", ""), ("bytes=50000-", '"z"'), ("bytes=70000-", '"z"')]


async def test_a_zip_that_can_not_continue_begins_anew(tmp_path: Path) -> None:
    """The server sends all of it again."""
    assert await fetch(Gateway(50_000, is_resumable=False), tmp_path / "all.zip") == len(CONTENT)
    assert (tmp_path / "all.zip").read_bytes() == CONTENT


async def test_several_attempts_without_a_byte_end_it(tmp_path: Path) -> None:
    """The old file stays."""
    (tmp_path / "all.zip").write_bytes(b"old")
    with pytest.raises(Unreachable):
        await fetch(Gateway(*[0] * (retrying.TRIES + 1)), tmp_path / "all.zip")
    assert contents_of(tmp_path) == [b"old"]

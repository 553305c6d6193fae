"""ZIPs as clients receive them, on fakes: complete, continued, interrupted, broken."""

import asyncio
import contextlib
import io
import zipfile
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message
from zip_fakes import ZipDesk

from docstore_contents.reader import ContentDamaged
from docstore_metadata.zips import plan as plan_module
from docstore_metadata.zips import reader as module
from docstore_platform.errors import DomainError, TooMany

SPEC = {"type": "http", "method": "GET", "asgi": {"spec_version": "2.4"}}


class Client:
    """Receives up to `limit` bytes of a response, then leaves."""

    def __init__(self, limit: int = 1 << 40) -> None:
        self.limit = limit
        self.body = b""
        self.complete = False

    async def receive(self) -> Message:
        raise AssertionError

    async def send(self, message: Message) -> None:
        self.body += message.get("body", b"")
        if len(self.body) >= self.limit:
            self.body = self.body[: self.limit]
            raise OSError
        self.complete = message["type"] == "http.response.body" and not message.get("more_body")


async def answer(desk: ZipDesk, caller: str = "ann", **headers: str) -> Any:
    async def plan() -> Any:
        return await desk.zips.plan(await desk.zips.chosen(desk.caller, ["ann"]))

    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await desk.delivery.respond(caller, "all.zip", plan, sent)


async def received(desk: ZipDesk, client: Client | None = None, **headers: str) -> tuple[Any, bytes]:
    client = client or Client()
    response = await answer(desk, **headers)
    await response(SPEC, client.receive, client.send)
    return response, client.body


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> ZipDesk:
    """Small and large files on several pages, an empty file and an empty folder."""
    monkeypatch.setattr(plan_module, "PAGE", 4)
    monkeypatch.setattr(module, "SMALL_BYTES", 1000)
    monkeypatch.setattr(module, "SENT_TOGETHER_BYTES", 300)
    desk = ZipDesk()
    desk.contents.piece = 400
    top = desk.folder("Größe")
    desk.folder("empty", top)
    desk.file("nothing", b"", top)
    for number in range(9):
        desk.file(f"small {number}", bytes([number]) * (100 + number), top)
        desk.file(f"large {number}", bytes([100 + number]) * (2000 + number), top)
    return desk


def contents_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


async def test_a_zip_has_its_announced_length_and_all_contents(desk: ZipDesk) -> None:
    """Small contents are read several at a time."""
    response, body = await received(desk)
    assert response.headers["content-length"] == str(len(body))
    assert response.headers["content-type"] == "application/zip"
    found = contents_of(body)
    assert found["Größe/small 3"] == b"\3" * 103
    assert found["Größe/large 8"] == bytes([108]) * 2008
    assert (found["Größe/nothing"], found["Größe/empty/"]) == (b"", b"")
    assert len(found) == 21
    assert 1 < desk.contents.most_reading <= module.PARALLEL
    assert desk.progress.saved == {}


async def test_an_interrupted_zip_continues_at_any_byte(desk: ZipDesk) -> None:
    """The parts together are the ZIP; what was sent before is not read again."""
    _, whole = await received(desk)
    for left_at in range(1, len(whole), 997):
        client = Client(left_at)
        desk.progress.saved.clear()
        with pytest.raises(ClientDisconnect):
            await received(desk, client)
        await asyncio.sleep(0)  # the task that keeps the checksums begins, and fakes do not wait
        assert desk.progress.saved
        assert desk.contents.reading == 0
        read_before = desk.contents.bytes_read
        response, rest = await received(desk, range=f"bytes={left_at}-")
        assert (response.status_code, client.body + rest == whole) == (206, True), left_at
        assert desk.contents.bytes_read - read_before <= len(whole) - left_at + 2008 + module.PARALLEL * 110


async def test_a_range_whose_checksums_are_unknown_is_answered_by_the_whole(desk: ZipDesk) -> None:
    """As RFC 9110 allows; the client begins again."""
    _, whole = await received(desk)
    response, body = await received(desk, range=f"bytes={len(whole) - 10}-")
    assert (response.status_code, body) == (200, whole)
    response, body = await received(desk, range="bytes=0-9")
    assert (response.status_code, body) == (206, whole[:10])


async def test_a_changed_zip_begins_anew(desk: ZipDesk) -> None:
    """If-Range names the ZIP before."""
    client = Client(3000)
    with pytest.raises(ClientDisconnect):
        await received(desk, client)
    etag = (await answer(desk)).headers["etag"]
    desk.file("new", b"new")
    response, body = await received(desk, range="bytes=3000-", if_range=etag)
    assert response.status_code == 200
    assert contents_of(body)["new"] == b"new"


async def test_damage_in_the_middle_breaks_the_connection(desk: ZipDesk) -> None:
    """No end of a ZIP is sent."""
    desk.contents.damaged = {next(node.object_key for node in desk.nodes.by_id.values() if node.name == "large 5")}
    client = Client()
    with pytest.raises(ContentDamaged):
        await received(desk, client)
    assert client.body
    assert not client.complete
    assert b"PK\5\6" not in client.body
    assert desk.contents.reading == 0


async def test_damage_at_the_start_is_a_problem_response(desk: ZipDesk) -> None:
    """The first bytes are read before the response begins; the slot is free again."""
    desk.contents.damaged = set(desk.contents.by_key)
    for _ in range(desk.slots.each + 1):
        with pytest.raises(DomainError) as refused:
            await answer(desk)
        assert refused.value.code == "content_damaged"


async def test_zips_at_the_same_time_are_bounded(desk: ZipDesk) -> None:
    """By caller; those that have ended in any way no longer count."""
    open_ones = [await answer(desk) for _ in range(desk.slots.each)]
    with pytest.raises(TooMany):
        await answer(desk)
    await answer(desk, caller="bob")
    for response, client in zip(open_ones, (Client(), Client(500), Client(), Client()), strict=True):
        with contextlib.suppress(ClientDisconnect):
            await response(SPEC, client.receive, client.send)
    assert (await answer(desk)).status_code == 200


async def test_a_known_zip_is_not_sent_again(desk: ZipDesk) -> None:
    """304 for its ETag, 416 beyond its end."""
    etag = (await answer(desk)).headers["etag"]
    assert (await answer(desk, if_none_match=etag)).status_code == 304
    assert (await answer(desk, range="bytes=99999999-")).status_code == 416

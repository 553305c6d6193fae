"""Delivery of contents to clients that disconnect or stall, and of damaged contents."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from starlette.types import Message

from docstore_contents.block_list import block_list_key
from docstore_contents.reader import ContentDamaged
from docstore_contents.s3.store import ObjectStoreUnavailable
from docstore_metadata.downloads import delivery as module
from docstore_metadata.downloads.delivery import ContentStream, Delivery, Download
from docstore_platform.errors import DomainError, TooMany
from docstore_platform.http.problems import problem_of
from docstore_platform.testing import eventually

FILE = Download("f", 're"port.html', "text/html", block_list_key("ada", "u", "g"), 6, "ab" * 32)


class FakePresigner:
    def presign_get(
        self, key: str, *, filename: str, content_type: str, expires_in: int, by_cookies: bool = False
    ) -> str:
        return f"https://store/{key}?{filename}&{content_type}&{expires_in}"


class FakeContents:
    """Streams `parts`; raises an error among them."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self.parts = parts
        self.requested: tuple[int, int | None] = (0, None)
        self.closed = False

    async def stream(
        self, object_key: str, size: int, start: int = 0, end: int | None = None, *, sha256: str | None = None
    ) -> AsyncGenerator[bytes]:
        self.requested = (start, end)
        try:
            for part in self.parts:
                if isinstance(part, Exception):
                    raise part
                yield part
        finally:
            self.closed = True


class Client:
    """An ASGI server's side: connected until `left` is set; receives unless it `stalls`."""

    def __init__(self, *, stalls: bool = False) -> None:
        self.left = asyncio.Event()
        self.stalls = stalls
        self.messages: list[Message] = []

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        if self.stalls and message["type"] == "http.response.body":
            await asyncio.Event().wait()

    @property
    def complete(self) -> bool:
        return bool(self.messages) and self.messages[-1].get("more_body") is False

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


async def answer(contents: FakeContents, **headers: str) -> Any:
    return await Delivery(FakePresigner(), contents).respond(
        "ann", FILE, {name.replace("_", "-"): value for name, value in headers.items()}, 900
    )


async def given_to(client: Client, response: ContentStream) -> None:
    await response({"type": "http", "method": "GET", "asgi": {"spec_version": "2.3"}}, client.receive, client.send)


async def test_a_stream_is_an_attachment_with_its_length() -> None:
    """Length, name, ETag, and the headers that keep a browser from displaying it."""
    contents, client = FakeContents(b"abc", b"def"), Client()
    response = await answer(contents)
    await given_to(client, response)
    assert (response.status_code, client.body, client.complete) == (200, b"abcdef", True)
    assert response.headers["content-length"] == "6"
    assert response.headers["etag"] == f'"{FILE.sha256}"'
    assert response.headers["content-type"] == "text/html"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]
    assert response.headers["content-disposition"].startswith("attachment; filename=")


async def test_only_the_requested_range_is_read() -> None:
    """Nothing before or after it."""
    contents, client = FakeContents(b"cd"), Client()
    response = await answer(contents, range="bytes=2-3")
    await given_to(client, response)
    assert (response.status_code, client.body, contents.requested) == (206, b"cd", (2, 4))
    assert response.headers["content-range"] == "bytes 2-3/6"


async def test_conditional_and_unsatisfiable_requests_read_nothing() -> None:
    """304 for a known ETag, 416 with the size for a range beyond the end."""
    contents = FakeContents()
    assert (await answer(contents, if_none_match=f'"{FILE.sha256}"')).status_code == 304
    beyond = await answer(contents, range="bytes=6-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */6")
    assert contents.closed is False


async def test_a_whole_object_is_redirected_to_the_store() -> None:
    """The store handles its ranges."""
    whole = Download("f", "a.txt", "", "accounts/ada/uploads/u/content", 6, "ab" * 32)
    response = await Delivery(FakePresigner(), FakeContents()).respond("ann", whole, {"range": "bytes=2-3"}, 60)
    assert response.status_code == 302
    assert response.headers["location"].endswith("content?a.txt&application/octet-stream&60")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(ContentDamaged("x"), 500, "content_damaged"), (ObjectStoreUnavailable("x", "y"), 503, "unavailable")],
)
async def test_damage_at_the_start_is_a_problem_response(error: Exception, status: int, code: str) -> None:
    """The first bytes are verified before the response begins."""
    with pytest.raises(DomainError) as refused:
        await answer(FakeContents(error, b"abc"))
    assert (problem_of(refused.value).status, refused.value.code) == (status, code)


async def test_damage_during_a_stream_breaks_the_connection() -> None:
    """The announced length is not reached."""
    contents, client = FakeContents(b"abc", ContentDamaged("x")), Client()
    with pytest.raises(ContentDamaged):
        await given_to(client, await answer(contents))
    assert (client.body, client.complete) == (b"abc", False)


async def test_a_disconnected_client_closes_the_source() -> None:
    """Even while a chunk is being sent."""
    contents, client = FakeContents(b"abc", b"def"), Client(stalls=True)
    serving = asyncio.create_task(given_to(client, await answer(contents)))

    async def sent() -> bool:
        return client.body == b"abc"

    await eventually(sent)
    client.left.set()
    await asyncio.wait_for(serving, 5)
    assert contents.closed
    assert not client.complete


async def test_streams_at_the_same_time_are_bounded() -> None:
    """By caller, however slowly its clients read; one that has ended in any way no longer counts."""
    delivery = Delivery(FakePresigner(), FakeContents(b"abc", b"def"))
    open_ones: list[Any] = [await delivery.respond("ann", FILE, {}, 900) for _ in range(delivery.slots.each)]
    with pytest.raises(TooMany):
        await delivery.respond("ann", FILE, {}, 900)
    await delivery.respond("bob", FILE, {}, 900)
    gone = Client(stalls=True)
    gone.left.set()
    for client in (Client(), gone):
        await given_to(client, open_ones.pop(0))
        open_ones.append(await delivery.respond("ann", FILE, {}, 900))
        with pytest.raises(TooMany):
            await delivery.respond("ann", FILE, {}, 900)


async def test_a_stalled_client_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a bounded time."""
    monkeypatch.setattr(module, "STALLED_SECONDS", 0.01)
    contents, client = FakeContents(b"abc", b"def"), Client(stalls=True)
    with pytest.raises(TimeoutError):
        await given_to(client, await answer(contents))
    assert contents.closed


async def test_large_blocks_are_sent_in_small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a slow client is not considered stalled."""
    monkeypatch.setattr(module, "SENT_AT_ONCE_BYTES", 4)
    client = Client()
    await given_to(client, await answer(FakeContents(b"abcdef")))
    assert [message.get("body") for message in client.messages[1:]] == [b"abcd", b"ef", b""]

"""Webhooks to real receivers: well, failing, slow, and back again."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from server_certificates import ServerCertificate
from standardwebhooks.webhooks import Webhook
from webhook_receivers import Receiver, Reply

from docstore_notify.channels.results import Gone, NotNow, Refused
from docstore_notify.channels.safe_http.client import MAX_RESPONSE_BYTES, SafeHttp
from docstore_notify.channels.signing.webhooks import new_secret
from docstore_notify.channels.webhook import LOGGED_CHARS, WebhookChannel
from docstore_notify.domain import Delivery, Target

LOOPBACK = [ip_network("127.0.0.0/8")]
SECRET = new_secret()
NOW = datetime.now(UTC)


def to(url: str) -> Delivery:
    item = {"file_id": "f1", "path": "/Überblick.pdf", "change": "modified"}
    return Delivery("d1", "anna", "webhook", "file_changed", NOW, NOW, (item,), ("e1",), target=Target(url, SECRET))


@pytest.fixture
async def channel() -> AsyncIterator[WebhookChannel]:
    channel = WebhookChannel(SafeHttp(LOOPBACK, 5.0))
    yield channel
    await channel.close()


@pytest.fixture
async def hasty() -> AsyncIterator[WebhookChannel]:
    channel = WebhookChannel(SafeHttp(LOOPBACK, 0.3))
    yield channel
    await channel.close()


async def test_a_receiver_gets_the_signed_message(channel: WebhookChannel) -> None:
    """Once, at the path and query that were entered, and the reference verifier accepts it."""
    async with Receiver(Reply(202, b"thanks")).running() as receiver:
        receipt = await channel.send(to(f"http://127.0.0.1:{receiver.port}/hook?a=b%20c"))
    (got,) = receiver.received
    assert Webhook(SECRET).verify(got.body, dict(got.headers)) == json.loads(got.body)
    assert json.loads(got.body)["items"] == [{"file_id": "f1", "path": "/Überblick.pdf", "change": "modified"}]
    assert (got.path, got.headers["webhook-id"]) == ("/hook?a=b%20c", "d1")
    assert got.headers["Content-Type"] == "application/json"
    assert (receipt.status, receipt.detail) == (202, "thanks")


@pytest.mark.parametrize(
    ("reply", "asked"),
    [
        (Reply(500, b"broken"), None),
        (Reply(503, b"", {"Retry-After": "120"}), 120.0),
        (Reply(429, b"", {"Retry-After": "7"}), 7.0),
        (Reply(404, b"not here yet"), None),
        (Reply(401), None),
    ],
)
async def test_a_failing_receiver_is_retried(channel: WebhookChannel, reply: Reply, asked: float | None) -> None:
    """Errors, this service's fault or not, put the message off: for as long as the receiver asks."""
    async with Receiver(reply).running() as receiver:
        url = f"http://127.0.0.1:{receiver.port}/"
        with pytest.raises(NotNow) as caught:
            await channel.send(to(url))
        assert (caught.value.status, caught.value.retry_after) == (reply.status, asked)
        assert caught.value.args[0] == (reply.body.decode() or f"status {reply.status}")
        assert (await channel.send(to(url))).status == 200
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


async def test_gone_ends_the_subscription(channel: WebhookChannel) -> None:
    """410 disables the subscription for good."""
    async with Receiver(Reply(410)).running() as receiver:
        with pytest.raises(Gone) as caught:
            await channel.send(to(f"http://127.0.0.1:{receiver.port}/"))
    assert caught.value.status == 410


async def test_a_silent_receiver_costs_its_time_only(hasty: WebhookChannel) -> None:
    """No answer in time is a try to be repeated, and does not hold up another message meanwhile."""
    async with Receiver(Reply(silent=True)).running() as silent, Receiver().running() as well:
        slow = asyncio.create_task(hasty.send(to(f"http://127.0.0.1:{silent.port}/")))
        assert (await hasty.send(to(f"http://127.0.0.1:{well.port}/"))).status == 200
        with pytest.raises(NotNow, match="no response in time"):
            await slow


async def test_an_answer_whose_end_does_not_come_is_an_answer(hasty: WebhookChannel) -> None:
    """The status has come: the message was taken and must not be sent again for a body no one needs."""
    async with Receiver(Reply(200, b"begun", stuck=True)).running() as receiver:
        receipt = await hasty.send(to(f"http://127.0.0.1:{receiver.port}/"))
    assert (receipt.status, receipt.detail) == (200, "begun")


async def test_an_endless_answer_is_cut(channel: WebhookChannel) -> None:
    """Four kilobytes are read and one is kept, whatever the receiver sends."""
    async with Receiver(Reply(200, b"x" * 3000, endless=True)).running() as receiver:
        receipt = await channel.send(to(f"http://127.0.0.1:{receiver.port}/"))
    assert receipt.detail == "x" * LOGGED_CHARS


async def test_a_packed_answer_is_not_unpacked(channel: WebhookChannel) -> None:
    """A few bytes that unpack to gigabytes stay a few bytes."""
    reply = Reply(200, b"\x1f\x8b" + b"\0" * MAX_RESPONSE_BYTES, {"Content-Encoding": "gzip"})
    async with Receiver(reply).running() as receiver:
        assert (await channel.send(to(f"http://127.0.0.1:{receiver.port}/"))).status == 200


async def test_a_receiver_that_is_down_is_waited_for(channel: WebhookChannel) -> None:
    """No connection puts off; the same message arrives when the receiver is back at its place."""
    receiver = Receiver()
    async with receiver.running():
        url = f"http://127.0.0.1:{receiver.port}/"
    with pytest.raises(NotNow):
        await channel.send(to(url))
    async with receiver.running(port=receiver.port):
        assert (await channel.send(to(url))).status == 200
    assert len(receiver.received) == 1


async def test_a_connection_that_breaks_is_tried_again(channel: WebhookChannel) -> None:
    """A receiver that hangs up without an answer, or answers with something else than HTTP, has not taken it."""

    async def hang_up(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"220 mail.example.org ESMTP\r\n")
        writer.close()

    for behaviour in (hang_up, babble):
        server = await asyncio.start_server(behaviour, "127.0.0.1", 0)
        async with server:
            with pytest.raises(NotNow):
                await channel.send(to(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))


async def test_cookies_and_proxies_play_no_part(channel: WebhookChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver can't mark us, and the environment's proxy, which may sit in the inner network, is not used."""
    async with Receiver(Reply(200, b"", {"Set-Cookie": "a=b"})).running() as receiver, Receiver().running() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        for _ in range(2):
            await channel.send(to(f"http://127.0.0.1:{receiver.port}/"))
    assert len(receiver.received) == 2
    assert all("Cookie" not in got.headers for got in receiver.received)
    assert not proxy.received


async def test_tls_is_for_the_name(tmp_path: Path) -> None:
    """The connection goes to the address, but server name, certificate and Host are the name's."""
    certificate = ServerCertificate(tmp_path, "hooks.example.org")

    async def look_up(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    channel = WebhookChannel(SafeHttp(LOOPBACK, 5.0, look_up=look_up, tls=certificate.client_context()))
    async with Receiver().running(tls=certificate.server_context()) as receiver:
        assert (await channel.send(to(f"https://hooks.example.org:{receiver.port}/"))).status == 200
        with pytest.raises(NotNow, match="certificate"):
            await channel.send(to(f"https://other.example.org:{receiver.port}/"))
    await channel.close()
    (got,) = receiver.received
    assert receiver.server_names == ["hooks.example.org", "other.example.org"]
    assert got.headers["Host"] == f"hooks.example.org:{receiver.port}"


async def test_one_address_that_is_down_does_not_matter() -> None:
    """A name with several addresses is reached at the one that listens."""

    async def look_up(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.3", "127.0.0.4"]

    channel = WebhookChannel(SafeHttp(LOOPBACK, 5.0, look_up=look_up))
    async with Receiver().running("127.0.0.3") as receiver:
        assert (await channel.send(to(f"http://hooks.example.org:{receiver.port}/"))).status == 200
    await channel.close()
    assert len(receiver.received) == 1


async def test_an_unknown_certificate_is_refused(channel: WebhookChannel, tmp_path: Path) -> None:
    """Whoever is in the way can't read messages with a certificate of their own."""
    certificate = ServerCertificate(tmp_path, "localhost")
    async with Receiver().running(tls=certificate.server_context()) as receiver:
        with pytest.raises(NotNow, match="certificate"):
            await channel.send(to(f"https://localhost:{receiver.port}/"))
    assert not receiver.received


async def test_a_message_without_a_secret_is_not_sent(channel: WebhookChannel) -> None:
    """Nothing leaves unsigned."""
    delivery = Delivery("d1", "anna", "webhook", "test", NOW, NOW, target=Target("http://127.0.0.1:1/"))
    with pytest.raises(Refused):
        await channel.send(delivery)

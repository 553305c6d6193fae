"""Webhooks can't be turned against inner networks: a canary there proves that no connection is made."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from aiohttp import ClientConnectorDNSError
from webhook_receivers import Canary, Receiver, Reply

from docstore_notify.channels.results import NotNow, Refused
from docstore_notify.channels.safe_http.client import ForbiddenAddress, SafeHttp
from docstore_notify.channels.signing.webhooks import new_secret
from docstore_notify.channels.webhook import UNREACHABLE, WebhookChannel
from docstore_notify.domain import Delivery, Target

NOW = datetime.now(UTC)
OUTSIDE = "127.0.0.2"
"""Stands for the internet: the one permitted address."""
INSIDE = "127.0.0.1"


def to(url: str) -> Delivery:
    target = Target(url, new_secret())
    return Delivery("d1", "anna", "webhook", "upload_done", NOW, NOW, ({"path": "/a"},), ("e1",), target=target)


class Names:
    """DNS whose answers change from look-up to look-up."""

    def __init__(self, *answers: Iterable[str]) -> None:
        self.answers = [list(answer) for answer in answers]
        self.requested = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.requested += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def channel_to(names: Names) -> WebhookChannel:
    return WebhookChannel(SafeHttp([ip_network(OUTSIDE)], 5.0, look_up=names))


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    async with Canary().running("127.0.0.1") as canary:
        yield canary


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "00000127.0.0.1",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "localhost",
        "LocalHost",
        "localhost.",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[fe80::1%25lo]",
        "example.org@127.0.0.1",
        "example.org:80@127.0.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
    ],
)
async def test_no_form_of_an_inner_address_connects(canary: Canary, host: str) -> None:
    """However the host is written: refused, or a name that the system's resolver does not know; no one was called."""
    channel = WebhookChannel(SafeHttp((), 5.0))
    with pytest.raises((Refused, NotNow)) as caught:
        await channel.send(to(f"http://{host}:{canary.port}/"))
    await channel.close()
    assert await canary.touched() == 0
    assert isinstance(caught.value, Refused) or isinstance(
        caught.value.__cause__, ClientConnectorDNSError | ForbiddenAddress
    )


async def test_the_canary_sings() -> None:
    """Were the rule to permit it, the same call would be noticed."""
    async with Canary().running(INSIDE) as canary:
        channel = WebhookChannel(SafeHttp([ip_network("127.0.0.0/8")], 5.0))
        with pytest.raises(NotNow):
            await channel.send(to(f"http://{INSIDE}:{canary.port}/"))
        await channel.close()
        assert await canary.touched() == 1


async def test_a_name_that_changes_its_address_gains_nothing() -> None:
    """Rebinding: what was checked is what is connected to, each message asks once, and the inner answer is refused."""
    names = Names([OUTSIDE], [INSIDE])
    channel = channel_to(names)
    async with Receiver().running(OUTSIDE) as receiver, Canary().running(INSIDE, port=receiver.port) as canary:
        url = f"http://rebind.example.org:{receiver.port}/"
        assert (await channel.send(to(url))).status == 200
        assert names.requested == 1
        with pytest.raises(NotNow, match=UNREACHABLE):
            await channel.send(to(url))
        assert names.requested == 2
        assert len(receiver.received) == 1
        assert await canary.touched() == 0
    await channel.close()


@pytest.mark.parametrize(
    "answer",
    [
        [INSIDE],
        [OUTSIDE, INSIDE],
        [INSIDE, OUTSIDE],
        [OUTSIDE, "::ffff:127.0.0.1"],
        [OUTSIDE, "::1"],
        [OUTSIDE, "169.254.169.254"],
        [OUTSIDE, "fe80::1%lo"],
        [OUTSIDE, "0x7f.1"],
        [OUTSIDE, "localhost"],
    ],
)
async def test_one_inner_address_spoils_a_name(answer: list[str]) -> None:
    """A name with several addresses is refused as a whole, and none of them is revealed."""
    channel = channel_to(Names(answer))
    async with Receiver().running(OUTSIDE) as receiver, Canary().running(INSIDE, port=receiver.port) as canary:
        with pytest.raises(NotNow, match=f"^{UNREACHABLE}$"):
            await channel.send(to(f"http://mixed.example.org:{receiver.port}/"))
        assert not receiver.received
        assert await canary.touched() == 0
    await channel.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(canary: Canary, status: int) -> None:
    """A public receiver can't send us inwards."""
    inner = (
        f"http://{INSIDE}:{canary.port}/",
        f"//{INSIDE}:{canary.port}/",
        "http://169.254.169.254/latest/meta-data/",
    )
    channel = channel_to(Names([OUTSIDE]))
    replies = [Reply(status, b"", {"Location": location}) for location in inner]
    async with Receiver(*replies).running(OUTSIDE) as receiver:
        for _ in inner:
            with pytest.raises(NotNow, match="redirects are not followed") as caught:
                await channel.send(to(f"http://hooks.example.org:{receiver.port}/"))
            assert caught.value.status == status
        assert len(receiver.received) == len(inner)
    await channel.close()
    assert await canary.touched() == 0


async def test_a_failed_connection_does_not_reveal_why() -> None:
    """An unknown name, a name without addresses, an inner one and a closed port get one answer, and are tried again."""

    async def fails(host: str, port: int) -> list[str]:
        raise OSError(-2, "Name or service not known")

    async with Receiver().running(OUTSIDE) as receiver:
        closed_port = receiver.port
    answers = set()
    for look_up in (fails, Names([]), Names([INSIDE]), Names([OUTSIDE])):
        channel = WebhookChannel(SafeHttp([ip_network(OUTSIDE)], 5.0, look_up=look_up))
        with pytest.raises(NotNow) as caught:
            await channel.send(to(f"http://hooks.example.org:{closed_port}/"))
        answers.add((caught.value.args, caught.value.retry_after, caught.value.status))
        await channel.close()
    assert answers == {((UNREACHABLE,), None, None)}

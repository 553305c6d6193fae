"""What takes the e-mails in the tests: an SES with moods, and an SMTP server."""

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, Literal

from aiohttp import web
from local_server import served
from notify_fakes import FakeContacts

from docstore_notify.channels.aws_services.clients import Aws
from docstore_notify.channels.aws_services.text_messages import TextMessages
from docstore_notify.channels.base import Channel
from docstore_notify.channels.eventbridge import EventBridgeChannel
from docstore_notify.channels.results import Gone, NotNow, Receipt, Refused
from docstore_notify.channels.sns import SnsChannel
from docstore_notify.channels.sqs import SqsChannel
from docstore_notify.channels.webhook import WebhookChannel
from docstore_notify.domain import Delivery
from docstore_notify.settings import NotifySettings
from docstore_platform.mongodb.client import Session
from docstore_platform.security.period_counts import Count

Mood = Literal["well", "failing", "refusing", "throttling", "silent"]


def parse(data: bytes) -> EmailMessage:
    return BytesParser(_class=EmailMessage, policy=policy.SMTP).parsebytes(data)


def delivery_of(mail: EmailMessage) -> str:
    return str(mail["X-DocStore-Delivery"])


@dataclass
class Mailbox:
    """Every mail that was accepted, and how often each delivery was."""

    mails: list[EmailMessage] = field(default_factory=list)

    def counts(self) -> Counter[str]:
        return Counter(delivery_of(mail) for mail in self.mails)

    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]


@dataclass
class MoodySes:
    """Answers SendEmail as its mood is. `silent`: takes the mail and never answers, so that the sender can't know."""

    mailbox: Mailbox = field(default_factory=Mailbox)
    mood: Mood = "well"
    requested: int = 0
    url: str = ""
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def send_email(self, request: web.Request) -> web.Response:
        self.requested += 1
        body: dict[str, Any] = await request.json()
        if self.mood == "failing":
            return web.json_response({"message": "broken"}, status=500)
        if self.mood == "throttling":
            return _error("TooManyRequestsException", 429)
        if self.mood == "refusing":
            return _error("BadRequestException", 400)
        self.mailbox.mails.append(parse(base64.b64decode(body["Content"]["Raw"]["Data"])))
        if self.mood == "silent":
            await self.closing.wait()
        return web.json_response({"MessageId": str(self.requested)})

    @asynccontextmanager
    async def running(self) -> AsyncIterator["MoodySes"]:
        app = web.Application()
        app.router.add_post("/v2/email/outbound-emails", self.send_email)
        async with served(web.AppRunner(app, shutdown_timeout=0.1)) as self.url:
            try:
                yield self
            finally:
                self.closing.set()


def _error(code: str, status: int) -> web.Response:
    return web.json_response({"message": code}, status=status, headers={"x-amzn-ErrorType": code})


@dataclass
class Machines(WebhookChannel):
    """A channel to machines, each with a mood; `silent` ones never answer. Keeps what each accepted, in order."""

    moods: dict[str, Mood | Literal["gone"]] = field(default_factory=dict)
    taken: dict[str, list[Delivery]] = field(default_factory=dict)
    requested: Counter[str] = field(default_factory=Counter)

    async def send(self, delivery: Delivery) -> Receipt:
        assert delivery.target is not None
        machine = delivery.target.address.removeprefix("https://").removesuffix(".example/")
        self.requested[machine] += 1
        match self.moods.get(machine, "well"):
            case "failing":
                raise NotNow("broken", None, 500)
            case "throttling":
                raise NotNow("slow down", 1.0, 429)
            case "refusing":
                raise Refused("not like this", 400)
            case "gone":
                raise Gone("no more", 410)
            case "silent":
                await asyncio.Event().wait()
        self.taken.setdefault(machine, []).append(delivery)
        return Receipt(200, "thanks")

    async def close(self) -> None:
        """It holds nothing open."""

    def notified(self, machine: str) -> list[str]:
        """The changes it was sent, in order."""
        return [str(item["change"]) for delivery in self.taken.get(machine, []) for item in delivery.items]


class CountsInMemory:
    """Counts of one period that does not end."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    async def add(self, key: str, *, session: Session = None) -> Count:
        self._counts[key] += 1
        return Count(self._counts[key], datetime.min, datetime.max)


def aws_channels(settings: NotifySettings) -> dict[str, Channel]:
    """Those that call AWS, each to be closed."""
    return {
        "sns": SnsChannel(Aws(settings), TextMessages.open(settings, CountsInMemory()), FakeContacts().language_of),
        "sqs": SqsChannel(Aws(settings)),
        "eventbridge": EventBridgeChannel(Aws(settings)),
    }


@dataclass
class SmtpServer:
    """As much of RFC 5321 as takes a mail. `refuses`: addresses it does not know."""

    mailbox: Mailbox = field(default_factory=Mailbox)
    refuses: set[str] = field(default_factory=set)
    recipients: list[str] = field(default_factory=list)
    port: int = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def reply(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        await reply("220 test ESMTP")
        while line := (await reader.readline()).decode().strip():
            verb = line[:4].upper()
            if verb == "RCPT" and any(address in line for address in self.refuses):
                await reply("550 No such mailbox")
            elif verb == "RCPT":
                self.recipients.append(line.partition("<")[2].partition(">")[0])
                await reply("250 OK")
            elif verb == "DATA":
                await reply("354 Go ahead")
                data = await reader.readuntil(b"\r\n.\r\n")
                self.mailbox.mails.append(parse(data[:-3].replace(b"\r\n..", b"\r\n.")))
                await reply("250 Taken")
            elif verb == "QUIT":
                await reply("221 Bye")
                break
            else:
                await reply("250 OK")
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SmtpServer"]:
        server = await asyncio.start_server(self.talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

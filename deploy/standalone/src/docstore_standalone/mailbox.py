"""A local SES: takes what boto3's `sesv2.send_email` sends and keeps each mail as a file, for development and tests.

See docs/adr/0005-local-mailbox.md. A mail is acknowledged only once it is on disk.
"""

import asyncio
import base64
import binascii
import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

MAX_RECIPIENTS = 50  # SES's limit for one message
MAX_BYTES = 40 * 1024 * 1024  # SES's limit for one message, headers and attachments included
ENVELOPE = "X-DocStore-Envelope"  # a header put before each stored mail
POLICY = policy.SMTP


@dataclass(frozen=True, slots=True)
class Mail:
    """One accepted mail. `recipients` are those of the envelope, blind copies included."""

    message_id: str
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    file: Path


class MailRefused(Exception):
    """`code` is SES's name for the reason."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def _bad_request(message: str) -> MailRefused:
    return MailRefused("BadRequestException", message)


def _address(value: object) -> str:
    """A mailbox as SES takes it: `a@b` or `Name <a@b>`."""
    if not isinstance(value, str) or any(ord(char) < 32 for char in value):
        raise _bad_request(f"Invalid address: {value!r}")
    try:
        header = EmailMessage(POLICY)
        header["To"] = value
        parsed = header["To"].addresses
    except (HeaderParseError, ValueError, IndexError) as error:
        raise _bad_request(f"Invalid address: {value!r}") from error
    if len(parsed) != 1 or not parsed[0].username or "." not in parsed[0].domain.strip("."):
        raise _bad_request(f"Invalid address: {value!r}")
    return value


def _addresses(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _bad_request("Addresses must be a list")
    return [_address(item) for item in value]


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad_request(f"{name} must be an object")
    return value


def _data(part: object, name: str) -> str | None:
    """`{"Data": ...}` of a Simple message."""
    if part is None:
        return None
    data = _object(part, name).get("Data")
    if not isinstance(data, str):
        raise _bad_request(f"{name} has no Data")
    return data


def _simple(content: dict[str, Any], sender: str, to: list[str], cc: list[str], reply_to: list[str]) -> bytes:
    subject = _data(content.get("Subject"), "Subject")
    body = _object(content.get("Body"), "Body")
    text, html = _data(body.get("Text"), "Text"), _data(body.get("Html"), "Html")
    if subject is None or (text is None and html is None):
        raise _bad_request("A simple message needs a subject and a text or HTML body")
    if any(ord(char) < 32 for char in subject):
        raise _bad_request("Subject has control characters")
    mail = EmailMessage(POLICY)
    mail["From"], mail["Subject"] = sender, subject
    for name, values in (("To", to), ("Cc", cc), ("Reply-To", reply_to)):
        if values:
            mail[name] = ", ".join(values)
    mail["Date"] = format_datetime(datetime.now(UTC))
    for header in content.get("Headers") or []:
        header_name, value = _object(header, "Header").get("Name"), header.get("Value")
        if not isinstance(header_name, str) or not isinstance(value, str) or "\n" in value or "\r" in value:
            raise _bad_request("Invalid header")
        mail[header_name] = value
    if text is not None:
        mail.set_content(text)
        if html is not None:
            mail.add_alternative(html, subtype="html")
    elif html is not None:
        mail.set_content(html, subtype="html")
    return mail.as_bytes()


def _raw(content: dict[str, Any]) -> tuple[bytes, str, list[str]]:
    """The message as it was sent, its sender and the recipients that it names."""
    try:
        data = base64.b64decode(content["Data"], validate=True)
    except (KeyError, TypeError, binascii.Error) as error:
        raise _bad_request("Raw content is not base64") from error
    mail = BytesParser(_class=EmailMessage, policy=POLICY).parsebytes(data)
    if not mail["From"]:
        raise MailRefused("MessageRejected", "Missing required header 'From'.")
    named = [
        str(address) for name in ("To", "Cc", "Bcc") for field in mail.get_all(name, []) for address in field.addresses
    ]
    return data, str(mail["From"]), named


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail that will be stored, with the envelope that it was sent under."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes


def accept(request: object) -> Accepted:
    """The mail that a SendEmail request asks for. MailRefused as SES would."""
    call = _object(request, "Request")
    destination = _object(call.get("Destination") or {}, "Destination")
    to, cc, bcc = (_addresses(destination.get(f"{name}Addresses")) for name in ("To", "Cc", "Bcc"))
    content = _object(call.get("Content"), "Content")
    kinds = [kind for kind in ("Simple", "Raw") if content.get(kind) is not None]
    if len(kinds) != 1:
        raise _bad_request("Content must have one of Simple and Raw")
    part = _object(content[kinds[0]], kinds[0])
    recipients = [*to, *cc, *bcc]
    if kinds == ["Simple"]:
        sender = _address(call.get("FromEmailAddress"))
        data = _simple(part, sender, to, cc, _addresses(call.get("ReplyToAddresses")))
    else:
        data, from_header, named = _raw(part)
        sender = _address(call.get("FromEmailAddress") or from_header)
        recipients = recipients or named
    if not 0 < len(recipients) <= MAX_RECIPIENTS:
        raise _bad_request(f"A message needs 1 to {MAX_RECIPIENTS} recipients, not {len(recipients)}")
    if len(data) > MAX_BYTES:
        raise MailRefused("MessageRejected", f"Message length is more than {MAX_BYTES} bytes long")
    return Accepted(sender, tuple(recipients), data)


def store(folder: Path, mail: Accepted) -> str:
    """Write the mail durably; its message id."""
    message_id = f"{uuid.uuid4().hex}-000000"
    envelope = {"message_id": message_id, "from": mail.sender, "to": mail.recipients}
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"{time.time_ns():020d}-{message_id}.eml"
    unfinished = file.with_suffix(".tmp")
    with unfinished.open("xb") as out:
        out.write(f"{ENVELOPE}: {json.dumps(envelope)}\r\n".encode("ascii"))
        out.write(mail.data)
        out.flush()
        os.fsync(out.fileno())
    unfinished.rename(file)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return message_id


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part else ""


def read_mail(file: Path) -> Mail:
    """One stored mail."""
    mail = BytesParser(_class=EmailMessage, policy=POLICY).parsebytes(file.read_bytes())
    envelope = json.loads(mail[ENVELOPE])
    return Mail(
        message_id=envelope["message_id"],
        received_at=datetime.fromtimestamp(int(file.name.partition("-")[0]) / 1e9, UTC),
        sender=envelope["from"],
        recipients=tuple(envelope["to"]),
        subject=str(mail["Subject"] or ""),
        text=_body(mail, "plain"),
        html=_body(mail, "html"),
        headers={name: str(value) for name, value in mail.items() if name != ENVELOPE},
        file=file,
    )


def read_mailbox(folder: Path) -> list[Mail]:
    """Every mail that was accepted, newest last."""
    return [read_mail(file) for file in sorted(folder.glob("*.eml"))]


async def _send_email(request: Request) -> Response:
    folder: Path = request.app.state.folder
    try:
        if not request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            raise MailRefused("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
        try:
            call = orjson.loads(await request.body())
        except orjson.JSONDecodeError as error:
            raise MailRefused("SerializationException", "The request is not JSON") from error
        mail = accept(call)
        message_id = await asyncio.to_thread(store, folder, mail)
    except MailRefused as refusal:
        return Response(
            orjson.dumps({"message": str(refusal)}),
            refusal.status,
            {"x-amzn-ErrorType": refusal.code},
            "application/json",
        )
    return Response(orjson.dumps({"MessageId": message_id}), media_type="application/json")


def create_mailbox_app(folder: Path) -> Starlette:
    """The SES endpoint as an ASGI app; mails go to `folder`."""
    app = Starlette(routes=[Route("/v2/email/outbound-emails", _send_email, methods=["POST"])])
    app.state.folder = folder
    return app

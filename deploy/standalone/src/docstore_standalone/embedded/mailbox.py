"""A local SES: accepts boto3's `sesv2.send_email` and stores each mail as a file, for development and tests.

See docs/adr/0005-local-mailbox.md. A mail is acknowledged only once it is on disk.
"""

import asyncio
import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from docstore_standalone.embedded.ses_request import Accepted, MailRefused, accept, parse
from docstore_standalone.supervision.peers import is_own_process

MAILBOX_FOLDER = "mail"
"""Subfolder of the data folder."""
ENVELOPE = "X-DocStore-Envelope"  # a header put before each stored mail


@dataclass(frozen=True, slots=True)
class Mail:
    """An accepted mail. `recipients` are those of the envelope, including blind copies."""

    message_id: str
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    file: Path


def store(folder: Path, mail: Accepted) -> str:
    """Store the mail durably; return its message id."""
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


def read_mail(file: Path) -> Mail:
    """Read a stored mail."""
    first, _, data = file.read_bytes().partition(b"\r\n")
    envelope = json.loads(first.removeprefix(f"{ENVELOPE}: ".encode("ascii")))
    content = parse(data)
    return Mail(
        message_id=envelope["message_id"],
        received_at=datetime.fromtimestamp(int(file.name.partition("-")[0]) / 1e9, UTC),
        sender=envelope["from"],
        recipients=tuple(envelope["to"]),
        subject=content.subject,
        text=content.text,
        html=content.html,
        headers=content.headers,
        file=file,
    )


def read_mailbox(folder: Path) -> list[Mail]:
    """Return every accepted mail, newest last."""
    return [read_mail(file) for file in sorted(folder.glob("*.eml"))]


async def _send_email(request: Request) -> Response:
    folder: Path = request.app.state.folder
    try:
        signed = request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 ")
        if not (signed and is_own_process(tuple(request.scope["client"]), tuple(request.scope["server"]))):
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
    """Create the SES endpoint as an ASGI app that stores mails in `folder`.

    It checks no signature, so it takes requests of this user's processes on this machine only.
    """
    app = Starlette(routes=[Route("/v2/email/outbound-emails", _send_email, methods=["POST"])])
    app.state.folder = folder
    return app

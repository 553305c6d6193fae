"""SES's SendEmail request: validation and conversion to a message."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime
from typing import Any, TypeGuard
from unicodedata import category

MAX_RECIPIENTS = 50  # SES's limit for one message
MAX_BYTES = 40 * 1024 * 1024  # SES's limit for one message, headers and attachments included
HEADER_NAME = re.compile(r"[!-9;-~]{1,126}")  # RFC 5322, with SES's limit of length
POLICY = policy.SMTP


@dataclass(frozen=True, slots=True)
class Content:
    """Contents of a message."""

    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except LookupError:  # unknown charset
        text = bytes(part.get_payload(decode=True) or b"").decode(errors="replace")
    return text.replace("\r\n", "\n")


def parse(data: bytes) -> Content:
    """Parse a message. Invalid data raises whatever the standard library's parser raises."""
    mail = BytesParser(_class=EmailMessage, policy=POLICY).parsebytes(data)
    fields = [field for name in ("To", "Cc", "Bcc") for field in mail.get_all(name, [])]
    return Content(
        sender=str(mail["From"] or ""),
        recipients=tuple(str(address) for field in fields for address in field.addresses),
        subject=str(mail["Subject"] or ""),
        text=_body(mail, "plain"),
        html=_body(mail, "html"),
        headers={name: str(value) for name, value in mail.items()},
    )


class MailRefused(Exception):
    """SES's error; `code` is its name."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def _bad_request(message: str) -> MailRefused:
    return MailRefused("BadRequestException", message)


def _is_line(value: object) -> TypeGuard[str]:
    """Whether it is a single line, which can't start another header."""
    return isinstance(value, str) and not any(category(char) in ("Cc", "Zl", "Zp") for char in value)


def _address(value: object) -> str:
    """Check a mailbox as SES does: `a@b` or `Name <a@b>`."""
    if not _is_line(value):
        raise _bad_request(f"Invalid address: {value!r}")
    try:
        header = EmailMessage(POLICY)
        header["To"] = value
        parsed = header["To"].addresses
    except Exception as error:  # the parser raises many kinds for invalid text
        raise _bad_request(f"Invalid address: {value!r}") from error
    if len(parsed) != 1 or not parsed[0].username or "." not in parsed[0].domain.strip("."):
        raise _bad_request(f"Invalid address: {value!r}")
    return value


def _addresses(value: object) -> list[str]:
    return [_address(item) for item in _list(value, "Addresses")]


def _list(value: object, name: str) -> list[Any]:
    """Return a list; empty if absent."""
    if value is not None and not isinstance(value, list):
        raise _bad_request(f"{name} must be a list")
    return value or []


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad_request(f"{name} must be an object")
    return value


def _data(part: object, name: str) -> str | None:
    """Return the text of `{"Data": ...}` in a Simple message."""
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
    if not _is_line(subject):
        raise _bad_request("Subject has control characters")
    mail = EmailMessage(POLICY)
    mail["From"], mail["Subject"] = sender, subject
    for name, values in (("To", to), ("Cc", cc), ("Reply-To", reply_to)):
        if values:
            mail[name] = ", ".join(values)
    mail["Date"] = format_datetime(datetime.now(UTC))
    for header in _list(content.get("Headers"), "Headers"):
        header_name, value = _object(header, "Header").get("Name"), header.get("Value")
        if not _is_line(value) or not (isinstance(header_name, str) and HEADER_NAME.fullmatch(header_name)):
            raise _bad_request(f"Invalid header {header_name!r}")
        if header_name in mail:
            raise _bad_request(f"Header {header_name} is there already")
        mail[header_name] = value
    if text is not None:
        mail.set_content(text)
        if html is not None:
            mail.add_alternative(html, subtype="html")
    elif html is not None:
        mail.set_content(html, subtype="html")
    return mail.as_bytes()


def _raw(part: dict[str, Any]) -> tuple[bytes, str, list[str]]:
    """Return the message as sent, its sender and recipients."""
    try:
        data = base64.b64decode(part["Data"], validate=True)
    except (KeyError, TypeError, binascii.Error) as error:
        raise _bad_request("Raw content is not base64") from error
    try:
        content = parse(data)
    except Exception as error:  # the parser raises many kinds for invalid data
        raise _bad_request("Raw content is not a message") from error
    if not content.sender:
        raise MailRefused("MessageRejected", "Missing required header 'From'.")
    return data, content.sender, list(content.recipients)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail to store, with its envelope."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes


def accept(request: object) -> Accepted:
    """Return the mail of a SendEmail request. Raises MailRefused as SES would."""
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

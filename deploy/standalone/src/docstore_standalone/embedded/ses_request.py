"""SES's SendEmail request with raw content: validation of the message and its envelope."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any
from unicodedata import category

MAX_RECIPIENTS = 50  # SES's limit for one message
MAX_BYTES = 40 * 1024 * 1024  # SES's limit for one message, headers and attachments included
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


def _address(value: object) -> str:
    """Check a mailbox as SES does: `a@b` or `Name <a@b>`."""
    refused = _bad_request(f"Invalid address: {value!r}")
    if not isinstance(value, str) or any(category(char) in ("Cc", "Zl", "Zp") for char in value):
        raise refused
    try:
        header = EmailMessage(POLICY)
        header["To"] = value
        parsed = header["To"].addresses
    except Exception as error:  # the parser raises many kinds for invalid text
        raise refused from error
    if len(parsed) != 1 or not parsed[0].username or "." not in parsed[0].domain.strip("."):
        raise refused
    return value


def _object(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad_request(f"{name} must be an object")
    return value


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail to store, with its envelope."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes


def accept(request: object) -> Accepted:
    """Return the mail of a SendEmail request. Raises MailRefused as SES would."""
    call = _object(request, "Request")
    sender = _address(call.get("FromEmailAddress"))
    to = _object(call.get("Destination"), "Destination").get("ToAddresses")
    if not isinstance(to, list) or not 0 < len(to) <= MAX_RECIPIENTS:
        raise _bad_request(f"ToAddresses must be a list of 1 to {MAX_RECIPIENTS} addresses")
    raw = _object(_object(call.get("Content"), "Content").get("Raw"), "Raw")
    try:
        data = base64.b64decode(raw["Data"], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise _bad_request("Raw content is not base64") from error
    if len(data) > MAX_BYTES:
        raise MailRefused("MessageRejected", f"Message length is more than {MAX_BYTES} bytes long")
    try:
        content = parse(data)
    except Exception as error:  # the parser raises many kinds for invalid data
        raise _bad_request("Raw content is not a message") from error
    if not content.sender:
        raise MailRefused("MessageRejected", "Missing required header 'From'.")
    return Accepted(sender, tuple(map(_address, to)), data)

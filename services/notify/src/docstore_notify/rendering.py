"""Makes the e-mail of a delivery, text and HTML, from templates. What users named can't break out of its place."""

import unicodedata
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from docstore_notify.domain import Contact, Delivery, Facts, Refused

DELIVERY_HEADER = "X-DocStore-Delivery"
SEVEN_BIT = SMTP.clone(cte_type="7bit")
SUBJECT_NAME_CHARS = 100
LINE_CHARS = 500
TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Characters that turn the direction of writing, and so can show a name's end as another."""
UNITS = ("bytes", "KB", "MB", "GB", "TB")


def one_line(text: object, limit: int = LINE_CHARS) -> str:
    """Text that stays in its line and keeps its direction: control characters and separators become spaces."""
    plain = "".join(" " if _breaks_out(char) else char for char in str(text))
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def _breaks_out(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in TURNING


def human_size(size: int) -> str:
    """`1.5 MB`: sizes as people read them, in powers of 1024."""
    amount = float(size)
    for unit in UNITS[:-1]:
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} {UNITS[-1]}"


class Renderer:
    """`sender` is the From, `public_url` where this DocStore is reached."""

    def __init__(self, sender: str, public_url: str) -> None:
        name, address = parseaddr(sender)
        self._from = Address(name, addr_spec=address)
        self._public_url = public_url
        self._templates = Environment(
            loader=PackageLoader("docstore_notify"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._templates.filters |= {"one_line": one_line, "size": human_size}

    def message(self, delivery: Delivery, contact: Contact, names: Mapping[str, str]) -> EmailMessage:
        """The e-mail to `contact`; `names` of accounts by their ids. Refused if the address can't be one.

        Its Message-ID comes from the delivery, so that one sent twice is known as the same.
        """
        mail = EmailMessage(SEVEN_BIT)
        mail["From"] = self._from
        try:
            mail["To"] = Address(one_line(contact.display_name, SUBJECT_NAME_CHARS), addr_spec=contact.email)
        except (ValueError, IndexError, HeaderParseError) as error:
            raise Refused(f"the address can't be one: {error}") from error
        mail["Subject"] = subject(delivery)
        mail["Date"] = format_datetime(delivery.created_at)
        mail["Message-ID"] = f"<{delivery.id}@{self._from.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail[DELIVERY_HEADER] = delivery.id
        facts: dict[str, Any] = {
            "name": one_line(contact.display_name),
            "items": delivery.items,
            "unlisted": delivery.unlisted,
            "names": names,
            "me": contact.account_id,
            "public_url": self._public_url,
        }
        mail.set_content(self._templates.get_template(f"{delivery.kind}.txt").render(facts))
        mail.add_alternative(self._templates.get_template(f"{delivery.kind}.html").render(facts), subtype="html")
        return mail


def subject(delivery: Delivery) -> str:
    number, item = len(delivery.event_ids), delivery.items[-1]
    match delivery.kind:
        case "upload_done":
            return f"Uploaded: {_file_name(item)}" if number == 1 else f"Uploaded: {number} files"
        case "file_changed":
            return f"{_file_name(item)} was {item['change']}" if number == 1 else f"{number} changes to what you follow"
        case "quota_exceeded":
            return "An upload did not fit into your storage" if item["requested"] else "Your storage is full"
        case "quota_restored":
            return "You have room for new files again"


def _file_name(item: Facts) -> str:
    return one_line(str(item["path"]).rpartition("/")[2] or "/", SUBJECT_NAME_CHARS)

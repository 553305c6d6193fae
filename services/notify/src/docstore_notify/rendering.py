"""Makes the e-mail of a delivery, text and HTML, from templates. What users named can't break out of its place."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from docstore_notify.domain import ENDABLE, Contact, Delivery, Facts, Refused
from docstore_platform.mail_addresses import sendable
from docstore_platform.mailed_links import InvitationLinks, ResetLinks, VerificationLinks
from docstore_platform.plain_page import plain_pages
from docstore_platform.settings import InfraSettings
from docstore_platform.shown_text import TURNING

DELIVERY_HEADER = "X-DocStore-Delivery"
UNFOLDED = "List-Unsubscribe"
SUBJECT_NAME_CHARS = 100
LINE_CHARS = 500
QUOTED_CHARS = 60
"""Of a name that another user chose: room for a name, not for a message."""
WEB_ADDRESS = re.compile(r"\bwww\.", re.IGNORECASE)
NOBODY: Mapping[str, str] = {}
CHANGED = {
    "created": "was created",
    "modified": "was modified",
    "moved": "was moved",
    "deleted": "was deleted",
    "restored": "was restored",
    "tagged": "was tagged",
    "shared": "was shared",
    "unshared": "is shared no more",
    "link_opened": "was opened by its link",
}


def one_line(text: object, limit: int = LINE_CHARS) -> str:
    """Text that stays in its line and keeps its direction: control characters and separators become spaces."""
    plain = "".join(" " if _breaks_out(char) else char for char in str(text))
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def quoted(text: object, limit: int = QUOTED_CHARS) -> str:
    """Words of another user, as theirs: in quotes that they can't end, and without an address that mail programs
    would make a link of."""
    plain = one_line(text, limit).replace('"', "'").replace("://", ": //")
    return '"' + WEB_ADDRESS.sub("www .", plain) + '"'


def undecoded(text: str) -> str:
    """Text that means itself in a header: EmailPolicy decodes what looks encoded (RFC 2047), line ends included."""
    return text.replace("=?", "= ?")


def _breaks_out(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in TURNING


class MailPolicy(EmailPolicy):
    """Mails of 7 bits, whose To names one receiver by a name of any length.

    Python would fold a long URL in a header by encoding it (RFC 2047), which no mail program undoes there (RFC 2369
    has none of it): it stays in its line, which has room for 998 characters. And it would fold a long name without
    its quotes, so that a comma in it begins another address: a name is encoded, which needs none.
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name == "To":
            (address,) = value.addresses
            display_name = Header(address.display_name, "utf-8", header_name=name).encode(linesep=self.linesep)
            return f"{name}: {display_name} <{address.addr_spec}>{self.linesep}".encode("ascii")
        if name == UNFOLDED:
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


MAIL = MailPolicy(linesep="\r\n", cte_type="7bit")


class Renderer:
    """`sender` is the From, `unsubscribe_url` where a mail's like end."""

    def __init__(
        self,
        sender: str,
        infra: InfraSettings,
        unsubscribe_url: Callable[[Delivery], str],
    ) -> None:
        name, address = parseaddr(sender)
        self._from = Address(name, addr_spec=address)
        self._public_url = infra.public_url
        self._unsubscribe_url = unsubscribe_url
        self._invitations = InvitationLinks(infra)
        verifications = VerificationLinks(infra)
        self._templates = plain_pages("docstore_notify")
        self._templates.filters |= {
            "one_line": one_line,
            "quoted": quoted,
            "changed": CHANGED.__getitem__,
            "reset_url": ResetLinks(infra).url,
            "verification_url": verifications.url,
            "verification_code": lambda record_id: _grouped(verifications.code(record_id)),
        }

    def message(
        self, delivery: Delivery, contact: Contact, names: Mapping[str, str], addresses: Mapping[str, str] = NOBODY
    ) -> EmailMessage:
        """The e-mail to `contact`; `names` and `addresses` of accounts by their ids. Refused if it can't have one.

        Its Message-ID comes from the delivery, so that one sent twice is known as the same.
        """
        mail = EmailMessage(MAIL)
        mail["From"] = self._from
        name = undecoded(one_line(contact.display_name, SUBJECT_NAME_CHARS))
        try:
            mail["To"] = Address(name, addr_spec=sendable(contact.email))
        except (ValueError, IndexError, HeaderParseError) as error:
            raise Refused(f"the address can't be one: {error}") from error
        mail["Subject"] = undecoded(subject(delivery))
        mail["Date"] = format_datetime(delivery.created_at)
        mail["Message-ID"] = f"<{delivery.id}@{self._from.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail[DELIVERY_HEADER] = delivery.id
        unsubscribe_url = self._unsubscribe_url(delivery) if delivery.kind in ENDABLE else ""
        if unsubscribe_url:
            mail[UNFOLDED] = f"<{unsubscribe_url}>"
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        facts: dict[str, Any] = {
            "name": one_line(contact.display_name),
            "items": delivery.items,
            "unlisted": delivery.unlisted,
            "names": names,
            "addresses": addresses,
            "sign_up_url": self._invitations.url_for(contact.email, delivery.created_at),
            "me": contact.account_id,
            "public_url": self._public_url,
            "unsubscribe_url": unsubscribe_url,
        }
        mail.set_content(self._templates.get_template(f"{delivery.kind}.txt").render(facts))
        mail.add_alternative(self._templates.get_template(f"{delivery.kind}.html").render(facts), subtype="html")
        return mail


def subject(delivery: Delivery) -> str:
    """What a message tells, in a line; a file's name in it can't break out of it."""
    number, item = len(delivery.event_ids), delivery.items[-1]
    match delivery.kind:
        case "upload_done":
            files = number + sum(int(each.get("files", 1)) - 1 for each in delivery.items)
            return f"Uploaded: {_file_name(item)}" if files == 1 else f"Uploaded: {files} files"
        case "file_changed":
            return (
                f"{_file_name(item)} {CHANGED[str(item['change'])]}"
                if number == 1
                else f"{number} changes to what you follow"
            )
        case "shared_with_you" if number > 1:
            return f"{number} changes to what is shared with you"
        case "shared_with_you" if item["change"] == "role_changed":
            return f"You are now {_role(item)} of {_file_name(item)}"
        case "shared_with_you" if item["change"] == "invited":
            return f"Accept or decline: {_file_name(item)}"
        case "shared_with_you":
            return f"{_file_name(item)} is shared with you"
        case "link_opened":
            return f"Your link to {_file_name(item)} was opened" if number == 1 else f"{number} openings of your links"
        case "link_expiring":
            return (
                f"Your link to {_file_name(item)} is about to end"
                if number == 1
                else f"{number} links are about to end"
            )
        case "new_device":
            return "New log-in to your account"
        case "quota_exceeded":
            return "An upload did not fit into your storage" if item["requested"] else "Your storage is full"
        case "quota_restored":
            return "You have room for new files again"
        case "subscription_disabled":
            return "A subscription of yours was disabled"
        case "invitation":
            name = quoted(str(item["path"]).rpartition("/")[2])
            return f"Shared with you: {name}" if number == 1 else f"{number} files are shared with you"
        case "test":
            return "A test of your subscription"
        case "password_reset":
            return "A new password for your account"
        case "account_invitation":
            return "You are invited to DocStore"
        case "email_verification":
            return "Verify your e-mail address"
        case "password_notice" if item["change"] == "link_made":
            return "An administrator has made a password reset link for your account"
        case "password_notice":
            return "Your password was changed"


def _file_name(item: Facts) -> str:
    return one_line(str(item["path"]).rpartition("/")[2] or "/", SUBJECT_NAME_CHARS)


def _grouped(code: str) -> str:
    """As it is easier to read and to type."""
    return f"{code[: len(code) // 2]} {code[len(code) // 2 :]}"


def _role(item: Facts) -> str:
    return "an editor" if item["role"] == "editor" else "a viewer"

"""Renders a delivery's e-mail, text and HTML, from templates. Users' text is escaped."""

from collections.abc import Callable, Mapping
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from jinja2 import Environment

from docstore_notify.channels.results import Refused
from docstore_notify.contacts.rules import Contact
from docstore_notify.domain import ENDABLE, Delivery
from docstore_notify.languages import templates
from docstore_notify.texts import CHANGED, SUBJECT_NAME_CHARS, one_line, quoted, subject
from docstore_platform.domain.mail_addresses import sendable
from docstore_platform.security.mailed_links import InvitationLinks, ResetLinks, VerificationLinks
from docstore_platform.settings import InfraSettings

DELIVERY_HEADER = "X-DocStore-Delivery"
UNFOLDED = "List-Unsubscribe"
NOBODY: Mapping[str, str] = {}


def undecoded(text: str) -> str:
    """Escape text for headers: EmailPolicy decodes what looks encoded (RFC 2047), line ends included."""
    return text.replace("=?", "= ?")


class MailPolicy(EmailPolicy):
    """Mails of 7 bits with a single receiver, whose name may have any length.

    Python would fold a long URL in a header by encoding it (RFC 2047), which no mail program decodes there (RFC 2369):
    it stays on its line, which may have 998 characters. Python would also fold a long name without its quotes, so that
    a comma in it begins another address: such a name is encoded.
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
    """`sender` is the From; `unsubscribe_url` returns the unsubscribe link of a delivery."""

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
        self._pages: dict[str, Environment] = {}
        self._filters: dict[str, Callable[..., Any]] = {
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
        """Render the e-mail to `contact`; `names` and `addresses` of accounts by id. Raises Refused for an invalid
        address.

        Its Message-ID derives from the delivery, so that duplicates are recognized.
        """
        mail = EmailMessage(MAIL)
        mail["From"] = self._from
        name = undecoded(one_line(contact.display_name, SUBJECT_NAME_CHARS))
        try:
            mail["To"] = Address(name, addr_spec=sendable(contact.email))
        except (ValueError, IndexError, HeaderParseError) as error:
            raise Refused(f"invalid address: {error}") from error
        mail["Subject"] = undecoded(subject(delivery, contact.language))
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
        pages = self._pages_in(contact.language)
        mail.set_content(pages.get_template(f"{delivery.kind}.txt").render(facts))
        mail.add_alternative(pages.get_template(f"{delivery.kind}.html").render(facts), subtype="html")
        mail["Content-Language"] = contact.language  # not before: contents replace such headers
        return mail

    def _pages_in(self, language: str) -> Environment:
        """Return the templates of a language. An overlay compiles them again, so each language has one."""
        if language not in self._pages:
            pages = templates(language).overlay()
            pages.filters = pages.filters | self._filters
            self._pages[language] = pages
        return self._pages[language]


def _grouped(code: str) -> str:
    """Group the digits for reading and typing."""
    return f"{code[: len(code) // 2]} {code[len(code) // 2 :]}"

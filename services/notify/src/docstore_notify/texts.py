"""Texts for people about a delivery. Users' text is escaped."""

import re
import unicodedata

from docstore_notify.domain import Delivery, Facts, Kind
from docstore_notify.languages import translations
from docstore_platform.domain.shown_text import TURNING
from docstore_platform.languages import N_, SOURCE

SUBJECT_NAME_CHARS = 100
LINE_CHARS = 500
QUOTED_CHARS = 60
"""Length of another user's text: enough for a name, not for a message."""
WEB_ADDRESS = re.compile(r"\bwww\.", re.IGNORECASE)
CHANGED = {
    "created": N_("was created"),
    "modified": N_("was modified"),
    "moved": N_("was moved"),
    "deleted": N_("was deleted"),
    "restored": N_("was restored"),
    "tagged": N_("was tagged"),
    "shared": N_("was shared"),
    "unshared": N_("is no longer shared"),
    "link_opened": N_("was opened by its link"),
}
SUBJECTS: dict[Kind, str] = {
    "new_device": N_("New log-in to your account"),
    "quota_exceeded": N_("Your storage is full"),
    "quota_restored": N_("You have storage space again"),
    "subscription_disabled": N_("A subscription was disabled"),
    "test": N_("Test message for your subscription"),
    "password_reset": N_("Reset your password"),
    "account_invitation": N_("You are invited to DocStore"),
    "email_verification": N_("Verify your e-mail address"),
    "password_notice": N_("Your password was changed"),
}
"""Of kinds whose subject is always the same."""


def one_line(text: object, limit: int = LINE_CHARS) -> str:
    """Keep text on one line and in one direction: control characters and separators become spaces."""
    plain = "".join(" " if _breaks_out(char) else char for char in str(text))
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def quoted(text: object) -> str:
    """Quote another user's text, with quotes that it can't end and without an address that mail programs link."""
    plain = one_line(text, QUOTED_CHARS).replace('"', "'").replace("://", ": //")
    return '"' + WEB_ADDRESS.sub("www .", plain) + '"'


def _breaks_out(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in TURNING


def subject(delivery: Delivery, language: str = SOURCE) -> str:
    """Return one line about a message; file names in it are escaped."""
    texts = translations(language)
    _, ngettext = texts.gettext, texts.ngettext
    number, item = len(delivery.event_ids), delivery.items[-1]
    match delivery.kind:
        case "upload_done":
            files = number + sum(int(each.get("files", 1)) - 1 for each in delivery.items)
            if files == 1:
                return _("Uploaded: %(file)s") % {"file": _file_name(item)}
            return ngettext("Uploaded: %(num)s file", "Uploaded: %(num)s files", files) % {"num": files}
        case "file_changed" if number == 1:
            return f"{_file_name(item)} {_(CHANGED[str(item['change'])])}"
        case "file_changed":
            return _("%(num)s changes to files you follow") % {"num": number}
        case "shared_with_you" if number > 1:
            return _("%(num)s changes to files shared with you") % {"num": number}
        case "shared_with_you" if item["change"] == "role_changed":
            role = _("an editor") if item["role"] == "editor" else _("a viewer")
            return _("You are now %(role)s of %(file)s") % {"role": role, "file": _file_name(item)}
        case "shared_with_you" if item["change"] == "invited":
            return _("Accept or decline: %(file)s") % {"file": _file_name(item)}
        case "shared_with_you":
            return _("%(file)s is shared with you") % {"file": _file_name(item)}
        case "link_opened" if number == 1:
            return _("Your link to %(file)s was opened") % {"file": _file_name(item)}
        case "link_opened":
            return _("Your links were opened %(num)s times") % {"num": number}
        case "link_expiring" if number == 1:
            return _("Your link to %(file)s expires soon") % {"file": _file_name(item)}
        case "link_expiring":
            return _("%(num)s of your links expire soon") % {"num": number}
        case "content_retrieved" if number == 1:
            return _("%(file)s can be read again") % {"file": _file_name(item)}
        case "content_retrieved":
            return _("%(num)s of your files can be read again") % {"num": number}
        case "invitation" if number == 1:
            return _("Shared with you: %(file)s") % {"file": quoted(str(item["path"]).rpartition("/")[2])}
        case "invitation":
            return _("%(num)s files are shared with you") % {"num": number}
        case "quota_exceeded" if item["requested"]:
            return _("Not enough storage for an upload")
        case "password_notice" if item["change"] == "link_made":
            return _("An administrator created a password reset link for your account")
        case "password_notice" if item["change"] == "token_created":
            return _("An API token was created: %(name)s") % {"name": one_line(str(item["name"]), SUBJECT_NAME_CHARS)}
        case kind:
            return _(SUBJECTS[kind])


def code_text(code: str, language: str = SOURCE) -> str:
    """Return the text to a number that anyone may have entered: it has nothing of theirs."""
    text = translations(language).gettext(
        "%(code)s is the code to verify this phone number. If it was not you who entered it, ignore this text."
    )
    return text % {"code": code}


def _file_name(item: Facts) -> str:
    return one_line(str(item["path"]).rpartition("/")[2] or "/", SUBJECT_NAME_CHARS)

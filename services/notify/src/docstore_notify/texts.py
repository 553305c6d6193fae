"""Texts for people about a delivery. Users' text is escaped."""

import re
import unicodedata

from docstore_notify.domain import Delivery, Facts
from docstore_platform.shown_text import TURNING

SUBJECT_NAME_CHARS = 100
LINE_CHARS = 500
QUOTED_CHARS = 60
"""Length of another user's text: enough for a name, not for a message."""
WEB_ADDRESS = re.compile(r"\bwww\.", re.IGNORECASE)
CHANGED = {
    "created": "was created",
    "modified": "was modified",
    "moved": "was moved",
    "deleted": "was deleted",
    "restored": "was restored",
    "tagged": "was tagged",
    "shared": "was shared",
    "unshared": "is no longer shared",
    "link_opened": "was opened by its link",
}


def one_line(text: object, limit: int = LINE_CHARS) -> str:
    """Keep text on one line and in one direction: control characters and separators become spaces."""
    plain = "".join(" " if _breaks_out(char) else char for char in str(text))
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def quoted(text: object, limit: int = QUOTED_CHARS) -> str:
    """Quote another user's text, with quotes that it can't end and without an address that mail programs link."""
    plain = one_line(text, limit).replace('"', "'").replace("://", ": //")
    return '"' + WEB_ADDRESS.sub("www .", plain) + '"'


def _breaks_out(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in TURNING


def subject(delivery: Delivery) -> str:
    """Return one line about a message; file names in it are escaped."""
    number, item = len(delivery.event_ids), delivery.items[-1]
    match delivery.kind:
        case "upload_done":
            files = number + sum(int(each.get("files", 1)) - 1 for each in delivery.items)
            return f"Uploaded: {_file_name(item)}" if files == 1 else f"Uploaded: {files} files"
        case "file_changed":
            return (
                f"{_file_name(item)} {CHANGED[str(item['change'])]}"
                if number == 1
                else f"{number} changes to files you follow"
            )
        case "shared_with_you" if number > 1:
            return f"{number} changes to files shared with you"
        case "shared_with_you" if item["change"] == "role_changed":
            return f"You are now {_role(item)} of {_file_name(item)}"
        case "shared_with_you" if item["change"] == "invited":
            return f"Accept or decline: {_file_name(item)}"
        case "shared_with_you":
            return f"{_file_name(item)} is shared with you"
        case "link_opened":
            return (
                f"Your link to {_file_name(item)} was opened"
                if number == 1
                else f"Your links were opened {number} times"
            )
        case "link_expiring":
            return (
                f"Your link to {_file_name(item)} expires soon"
                if number == 1
                else f"{number} of your links expire soon"
            )
        case "content_retrieved":
            return (
                f"{_file_name(item)} can be read again" if number == 1 else f"{number} of your files can be read again"
            )
        case "new_device":
            return "New log-in to your account"
        case "quota_exceeded":
            return "Not enough storage for an upload" if item["requested"] else "Your storage is full"
        case "quota_restored":
            return "You have storage space again"
        case "subscription_disabled":
            return "A subscription was disabled"
        case "invitation":
            name = quoted(str(item["path"]).rpartition("/")[2])
            return f"Shared with you: {name}" if number == 1 else f"{number} files are shared with you"
        case "test":
            return "Test message for your subscription"
        case "password_reset":
            return "Reset your password"
        case "account_invitation":
            return "You are invited to DocStore"
        case "email_verification":
            return "Verify your e-mail address"
        case "password_notice" if item["change"] == "link_made":
            return "An administrator created a password reset link for your account"
        case "password_notice":
            return "Your password was changed"


def _file_name(item: Facts) -> str:
    return one_line(str(item["path"]).rpartition("/")[2] or "/", SUBJECT_NAME_CHARS)


def _role(item: Facts) -> str:
    return "an editor" if item["role"] == "editor" else "a viewer"

"""Text message of a delivery: one segment."""

from docstore_notify.domain import Delivery
from docstore_notify.texts import one_line, subject

GSM_CHARS = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic set of GSM 03.38: any other character halves the length of the message."""
GSM_LENGTH = 160
UNICODE_LENGTH = 70
"""In UTF-16 units."""
PREFIX = "DocStore: "


def sms_text(delivery: Delivery) -> str:
    text = PREFIX + one_line(subject(delivery))
    if set(text) <= GSM_CHARS:
        return text if len(text) <= GSM_LENGTH else text[: GSM_LENGTH - 3] + "..."
    if _units(text) <= UNICODE_LENGTH:
        return text
    while _units(text) >= UNICODE_LENGTH:
        text = text[:-1]
    return text + "…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2

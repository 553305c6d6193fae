"""What a channel's receiver answered, for the delivery log."""

from dataclasses import dataclass

from docstore_notify.domain import Refused


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receiver's answer to one try."""

    status: int | None
    """HTTP status; none where there was no answer."""
    detail: str
    """The beginning of the answer, or the id that the channel gave the message."""


class Gone(Refused):
    """The receiver wants nothing more, ever: its subscription ends."""

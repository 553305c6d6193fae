"""How handing a message to a channel ends."""

from dataclasses import dataclass


class Refused(Exception):
    """The channel will never take this message; the text is a reason for operators. `status`: the receiver's, HTTP."""

    def __init__(self, detail: str, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status


class NotNow(Exception):
    """The channel can't take the message now, and may later: in `retry_after` seconds, if it said so."""

    def __init__(self, detail: str, retry_after: float | None = None, status: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.status = status


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receiver's answer to one try."""

    status: int | None
    """HTTP status; none where there was no answer."""
    detail: str
    """The beginning of the answer, or the id that the channel gave the message."""


class Gone(Refused):
    """The receiver refuses all messages from now on: its subscription is disabled."""

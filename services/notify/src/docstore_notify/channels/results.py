"""Results of an attempt to send: accepted, failed for now, failed for good."""

from dataclasses import dataclass


class Refused(Exception):
    """The channel will never accept this message; the text is for operators. `status`: the receiver's HTTP status."""

    def __init__(self, detail: str, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status


class NotNow(Exception):
    """The channel can't accept the message now; retry after `retry_after` seconds, if given."""

    def __init__(self, detail: str, retry_after: float | None = None, status: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.status = status


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receiver's response to one attempt."""

    status: int | None
    """HTTP status; None without a response."""
    detail: str
    """Start of the response, or the message id of the channel."""


class Gone(Refused):
    """The receiver refuses all future messages: its subscription is disabled."""

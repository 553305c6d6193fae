"""Request and response models of the phone for critical news."""

from pydantic import Field

from docstore_notify.phone.rules import CODE_DIGITS, PHONE_NUMBER
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import ResponseModel


class EnterPhone(RequestModel):
    phone_number: str = Field(pattern=f"^{PHONE_NUMBER.pattern}$", description="in international form: +6421234567")


class VerifyPhone(RequestModel):
    code: str = Field(pattern=f"^[0-9]{{{CODE_DIGITS}}}$", description="the digits of the text message")


class Phone(ResponseModel):
    """The caller's phone."""

    phone_number: str | None
    """In international form; null if none was entered."""
    verified: bool
    """Whether the caller has typed the code that was sent to it: only then it gets messages."""


class PhoneAndChannel(Phone):
    """The caller's phone, and whether text messages work here."""

    unavailable: str | None
    """Why no text messages can be sent here; null if they can."""

"""Request and response models of preferences."""

from pydantic import StrictBool

from docstore_notify.domain import ChosenKind, PersonalChannel
from docstore_platform.http.response_models import ResponseModel

Choices = dict[ChosenKind, dict[PersonalChannel, StrictBool]]
"""On or off, by kind and channel."""


class Preference(ResponseModel):
    """Channels of one kind of notification."""

    email: bool
    """By e-mail."""
    in_app: bool
    """In the app."""
    push: bool
    """To browsers and phones that are registered for it."""


Preferences = dict[ChosenKind, Preference]

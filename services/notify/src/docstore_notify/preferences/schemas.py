"""Request and response models of preferences."""

from pydantic import StrictBool

from docstore_notify.domain import ChosenKind, PersonalChannel
from docstore_platform.answers import Answer

Choices = dict[ChosenKind, dict[PersonalChannel, StrictBool]]
"""On or off, by what is told and by channel."""


class Preference(Answer):
    """Where a person is told of something."""

    email: bool
    """By e-mail."""
    in_app: bool
    """In the app."""


Preferences = dict[ChosenKind, Preference]

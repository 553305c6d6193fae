"""Request and response models of preferences."""

from typing import Annotated, Any

from pydantic import AfterValidator, StrictBool

from docstore_notify.domain import CHOSEN_KINDS, ChosenKind, PersonalChannel, personal_channels
from docstore_platform.http.response_models import ResponseModel, omittable
from docstore_platform.http.values import described


def _checked(choices: dict[ChosenKind, dict[PersonalChannel, bool]]) -> dict[ChosenKind, dict[PersonalChannel, bool]]:
    for kind, by_channel in choices.items():
        if unknown := by_channel.keys() - personal_channels(kind):
            raise ValueError(f"{kind} is not sent by {', '.join(sorted(unknown))}")
    return choices


def _channels_schema(kind: ChosenKind) -> dict[str, Any]:
    properties = {channel: {"type": "boolean"} for channel in personal_channels(kind)}
    return {"type": "object", "properties": properties, "additionalProperties": False}


Choices = Annotated[
    dict[ChosenKind, dict[PersonalChannel, StrictBool]],
    AfterValidator(_checked),
    described(properties={kind: _channels_schema(kind) for kind in CHOSEN_KINDS}, additionalProperties=False),
]
"""On or off, by kind and channel."""


class Preference(ResponseModel):
    """Channels of one kind of notification."""

    email: bool
    """By e-mail."""
    in_app: bool
    """In the app."""
    push: bool
    """To browsers and phones that are registered for it."""
    sms: bool = omittable()
    """By text message to a verified phone; only critical news have it."""


Preferences = dict[ChosenKind, Preference]

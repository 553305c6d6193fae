"""Request and response models of subscriptions."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from docstore_notify.channels.registry import REGISTRY
from docstore_notify.channels.target_fields import MAX_ADDRESS
from docstore_notify.domain import (
    Kind,
    State,
)
from docstore_notify.subscriptions.rules import USUAL_CHANGES, FileChange
from docstore_platform.answers import Answer, Page, sometimes
from docstore_platform.bodies import Body
from docstore_platform.values import Id, described

Events = Annotated[list[FileChange], Field(min_length=1)]


TARGET_SCHEMA = {
    "properties": {name: {"type": "string", "maxLength": MAX_ADDRESS} for name in REGISTRY.target_fields},
    "additionalProperties": False,
}


class Follow(Body):
    file_id: Id = Field(min_length=1)
    channel: Annotated[str, described(enum=REGISTRY.names)] = Field("email", max_length=64)
    target: Annotated[dict[str, Any], described(**TARGET_SCHEMA)] | None = Field(
        None, description=f"{REGISTRY.help}; 422 `invalid_target`"
    )
    events: Events | None = Field(None, description=f"if not said: {', '.join(USUAL_CHANGES)}")


class FollowChange(Body):
    events: Events | None = None
    state: str | None = Field(None, pattern="^active$", description="enables a disabled subscription again")


class FollowTarget(Answer):
    """Where messages go, as it was entered; it can be entered again."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Each registered channel describes the fields of its targets."""
        schema = handler(core_schema)
        handler.resolve_ref_schema(schema)["properties"] = {
            name: {"type": "string", "title": name.replace("_", " ").title(), "description": text}
            for name, text in REGISTRY.target_fields.items()
        }
        return schema


class Subscription(Answer):
    """The caller follows a file, or a folder with all in it."""

    id: str
    """What changing and ending it takes."""
    file_id: str
    """The file or folder."""
    channel: Annotated[str, described(enum=REGISTRY.names)]
    """How the caller is told."""
    target: FollowTarget | None
    """Null for the channels that lead to the caller."""
    events: list[FileChange]
    """What the caller is told of."""
    state: Literal["active", "disabled"]
    """A channel that failed for long is disabled."""
    disabled_reason: str | None
    """Why nothing is sent any more; null while it is active."""
    created_at: datetime
    """When it was made."""


class CreatedSubscription(Subscription):
    """A subscription that was just made."""

    secret: str = sometimes()
    """Of a webhook: what signs its messages (Standard Webhooks); told this once."""


class SubscriptionPage(Page[Subscription]):
    """A page of what the caller follows."""


class DeliveryTry(Answer):
    """One time that a message was sent."""

    at: datetime
    """When."""
    status: int | None
    """HTTP status that the receiver answered; null if there was none."""
    detail: str
    """What came of it, for people."""


class Delivery(Answer):
    """A message, and what became of it."""

    id: str
    """The same in every try: a receiver tells doubles by it."""
    kind: Kind
    """What it tells."""
    state: State
    """`pending` while it may still be tried."""
    created_at: datetime
    """When there was something to tell."""
    event_ids: list[str]
    """Events that it tells of."""
    attempts: int
    """How often it was tried."""
    tries: list[DeliveryTry]
    """The last 20."""
    next_try_at: datetime | None
    """Null if there will be none."""


class DeliveryPage(Page[Delivery]):
    """A page of a subscription's messages."""


class TestResult(Answer):
    """How sending a test message ended."""

    delivery_id: str
    """As in the subscription's deliveries."""
    state: State
    """How it ended."""
    status: int | None
    """HTTP status that the receiver answered; null if there was none."""
    detail: str
    """What came of it, for people."""

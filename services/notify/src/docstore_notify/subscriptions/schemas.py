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
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page, ResponseModel, omittable
from docstore_platform.http.values import Id, described

Events = Annotated[list[FileChange], Field(min_length=1)]


TARGET_SCHEMA = {
    "properties": {name: {"type": "string", "maxLength": MAX_ADDRESS} for name in REGISTRY.target_fields},
    "additionalProperties": False,
}


class Follow(RequestModel):
    file_id: Id = Field(min_length=1)
    """File to follow, or folder to follow with all its contents."""
    channel: Annotated[str, described(enum=REGISTRY.names)] = Field("email", max_length=64)
    """How notifications are sent."""
    target: Annotated[dict[str, Any], described(**TARGET_SCHEMA)] | None = Field(
        None, description=f"{REGISTRY.help}; 422 `invalid_target`"
    )
    events: Events | None = Field(None, description=f"default: {', '.join(USUAL_CHANGES)}")


class FollowChange(RequestModel):
    events: Events | None = None
    """Changes to be notified of."""
    state: str | None = Field(None, pattern="^active$", description="enables a disabled subscription again")


class FollowTarget(ResponseModel):
    """Target as entered; it can be edited."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Each registered channel describes the fields of its targets."""
        schema = handler(core_schema)
        handler.resolve_ref_schema(schema)["properties"] = {
            name: {"type": "string", "title": name.replace("_", " ").title(), "description": text}
            for name, text in REGISTRY.target_fields.items()
        }
        return schema


class Subscription(ResponseModel):
    """The caller follows a file, or a folder with all its contents."""

    id: str
    """Id, to change or delete it."""
    file_id: str
    """The file or folder."""
    channel: Annotated[str, described(enum=REGISTRY.names)]
    """Channel of the messages."""
    target: FollowTarget | None
    """Null for channels to the caller."""
    events: list[FileChange]
    """Events that the caller follows."""
    state: Literal["active", "disabled"]
    """Disabled after its channel has failed for a long time."""
    disabled_reason: str | None
    """Why nothing is sent; null while it is active."""
    created_at: datetime
    """When it was created."""


class CreatedSubscription(Subscription):
    """A new subscription."""

    secret: str = omittable()
    """Signing secret of a webhook (Standard Webhooks); not shown again."""


class SubscriptionPage(Page[Subscription]):
    """A page of the caller's subscriptions."""


class DeliveryTry(ResponseModel):
    """One attempt to send a message."""

    at: datetime
    """When."""
    status: int | None
    """HTTP status of the receiver's response; null without one."""
    detail: str
    """Result for people."""


class Delivery(ResponseModel):
    """A message and its state."""

    id: str
    """The same in every attempt, for deduplication by the receiver."""
    kind: Kind
    """Kind of the message."""
    state: State
    """`pending` while it may be retried."""
    created_at: datetime
    """When its first event happened."""
    event_ids: list[str]
    """Ids of its events."""
    attempts: int
    """Number of attempts."""
    tries: list[DeliveryTry]
    """The last 20 attempts."""
    next_try_at: datetime | None
    """Null if there will be none."""


class DeliveryPage(Page[Delivery]):
    """A page of a subscription's deliveries."""


class TestResult(ResponseModel):
    """Result of a test message."""

    delivery_id: str
    """Id in the subscription's deliveries."""
    state: State
    """Final state."""
    status: int | None
    """HTTP status of the receiver's response; null without one."""
    detail: str
    """Result for people."""

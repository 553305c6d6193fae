"""HTTP: following files, and choosing what one is told of."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, StrictBool

from docstore_notify import answers
from docstore_notify.delivery_rows import Logged
from docstore_notify.domain import (
    CHANNELS,
    CHOSEN_KINDS,
    FILE_CHANGES,
    PERSONAL,
    USUAL_CHANGES,
    ChannelName,
    ChosenKind,
    FileChange,
    PersonalChannel,
    Preferences,
    Subscription,
)
from docstore_notify.following import Following, Wish
from docstore_notify.storage import PreferenceStore
from docstore_notify.targets import MAX_ADDRESS, as_entered
from docstore_platform.bodies import Body
from docstore_platform.clock import rfc3339
from docstore_platform.paging import decode_cursor, encode_cursor
from docstore_platform.problems import invalid
from docstore_platform.tokens import Principal, current_principal
from docstore_platform.values import Cursor, Id, described
from docstore_platform.web import json_response

Caller = Annotated[Principal, Depends(current_principal)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Events = Annotated[list[FileChange], Field(min_length=1)]
NO_STORE = {"cache-control": "no-store"}
"""Also tells the gateway not to keep the answer for an Idempotency-Key."""


TARGET_SCHEMA = {
    "properties": {
        name: {"type": "string", "maxLength": MAX_ADDRESS}
        for name in ("url", "topic_arn", "phone_number", "queue", "bus", "region", "role_arn")
    },
    "additionalProperties": False,
}


class Follow(Body):
    file_id: Id = Field(min_length=1)
    channel: Annotated[str, described(enum=CHANNELS)] = Field("email", max_length=64)
    target: Annotated[dict[str, Any], described(**TARGET_SCHEMA)] | None = Field(
        None, description="where a machine channel leads to, by its kind; 422 `invalid_target`"
    )
    events: Events | None = Field(None, description=f"if not said: {', '.join(USUAL_CHANGES)}")


class FollowChange(Body):
    events: Events | None = None
    state: str | None = Field(None, pattern="^active$", description="enables a disabled subscription again")


Choices = dict[ChosenKind, dict[PersonalChannel, StrictBool]]
"""On or off, by what is told and by channel."""


def subscription_view(subscription: Subscription) -> dict[str, Any]:
    """Without the secret; its target can be entered again."""
    return {
        "id": subscription.id,
        "file_id": subscription.file_id,
        "channel": subscription.channel,
        "target": as_entered(subscription.channel, subscription.target) or None,
        "events": list(subscription.events),
        "state": "active" if subscription.active else "disabled",
        "disabled_reason": subscription.disabled_reason,
        "created_at": rfc3339(subscription.created_at),
    }


def logged_view(logged: Logged) -> dict[str, Any]:
    return {
        "id": logged.id,
        "kind": logged.kind,
        "state": logged.state,
        "created_at": rfc3339(logged.created_at),
        "event_ids": list(logged.event_ids),
        "attempts": logged.attempts,
        "tries": [{"at": rfc3339(one.at), "status": one.status, "detail": one.detail} for one in logged.tries],
        "next_try_at": rfc3339(logged.next_at) if logged.next_at else None,
    }


def preferences_view(preferences: Preferences) -> Choices:
    return {kind: {channel: preferences.wants(kind, channel) for channel in PERSONAL} for kind in CHOSEN_KINDS}


def supported_channel(name: str) -> ChannelName:
    for channel in CHANNELS:
        if channel == name:
            return channel
    raise invalid(f"Messages go by {', '.join(CHANNELS)}.", "unsupported_channel")


def in_order(events: list[FileChange]) -> tuple[FileChange, ...]:
    return tuple(change for change in FILE_CHANGES if change in events)


def subscriptions_router(following: Following) -> APIRouter:
    router = APIRouter(tags=["notifications"])

    @router.post(
        "/subscriptions",
        status_code=201,
        response_model=answers.CreatedSubscription,
        responses={200: {"description": "It was followed so already.", "model": answers.Subscription}},
    )
    async def follow(body: Follow, request: Request, caller: Caller) -> Response:
        """Follow a file, or a folder with all in it; 200 if it was followed so already.

        The signing secret of a webhook is in the answer 201, and nowhere else: sent again with its Idempotency-Key,
        the call that made the subscription is answered so again for a day.
        """
        channel = supported_channel(body.channel)
        events = in_order(body.events) if body.events else USUAL_CHANGES
        wish = Wish(body.file_id, channel, body.target, events)
        subscription, new = await following.follow(caller.account_id, wish, request.headers.get("idempotency-key", ""))
        view = subscription_view(subscription)
        if new and channel == "webhook":
            return json_response({**view, "secret": subscription.target.secret}, 201, NO_STORE)
        return json_response(view, 201 if new else 200)

    @router.get("/subscriptions", response_model=answers.SubscriptionPage)
    async def subscriptions(
        caller: Caller, cursor: Cursor = None, limit: Limit = 100, file_id: Id | None = None
    ) -> Response:
        after = decode_cursor(cursor, str)[0] if cursor else ""
        found = await following.page(caller.account_id, after, limit + 1, file_id)
        items = found[:limit]
        next_cursor = encode_cursor(items[-1].id) if len(found) > limit else None
        return json_response({"items": [subscription_view(item) for item in items], "next_cursor": next_cursor})

    @router.get("/subscriptions/{subscription_id}", response_model=answers.Subscription)
    async def subscription(subscription_id: str, caller: Caller) -> Response:
        return json_response(subscription_view(await following.get(caller.account_id, subscription_id)))

    @router.patch("/subscriptions/{subscription_id}", response_model=answers.Subscription)
    async def change_subscription(subscription_id: str, body: FollowChange, caller: Caller) -> Response:
        """Other events; or, with `state: "active"`, enable it again."""
        events = in_order(body.events) if body.events else None
        changed = await following.change(caller.account_id, subscription_id, events, enable=body.state is not None)
        return json_response(subscription_view(changed))

    @router.delete("/subscriptions/{subscription_id}", status_code=204)
    async def unfollow(subscription_id: str, caller: Caller) -> None:
        await following.unfollow(caller.account_id, subscription_id)

    @router.get("/subscriptions/{subscription_id}/deliveries", response_model=answers.DeliveryPage)
    async def deliveries(subscription_id: str, caller: Caller, cursor: Cursor = None, limit: Limit = 100) -> Response:
        """What was sent and tried for it in the last 30 days, newest first. What is told in the app is in
        `/v1/notifications`."""
        before = decode_cursor(cursor, str)[0] if cursor else ""
        found = await following.log(caller.account_id, subscription_id, before, limit + 1)
        items = found[:limit]
        next_cursor = encode_cursor(items[-1].id) if len(found) > limit else None
        return json_response({"items": [logged_view(item) for item in items], "next_cursor": next_cursor})

    @router.post("/subscriptions/{subscription_id}/test", response_model=answers.TestResult)
    async def test_subscription(subscription_id: str, caller: Caller) -> Response:
        """Send a test message now, and answer how that ended: 200 whatever the receiver said.

        429 `too_many_tests` after as many of an account in an hour as the operator allows (10, unless set otherwise).
        """
        delivery, attempt = await following.test(caller.account_id, subscription_id)
        outcome = {"delivery_id": delivery.id, "state": delivery.state}
        return json_response({**outcome, "status": attempt.status, "detail": attempt.detail})

    return router


def preferences_router(store: PreferenceStore) -> APIRouter:
    router = APIRouter(tags=["notifications"])

    @router.get("/notifications/preferences", response_model=answers.Preferences)
    async def preferences(caller: Caller) -> Response:
        found = await store.find([caller.account_id])
        return json_response(preferences_view(found.get(caller.account_id, Preferences(caller.account_id))))

    @router.put("/notifications/preferences", response_model=answers.Preferences)
    async def prefer(body: Choices, caller: Caller) -> Response:
        """What is not said is as usual: everything on, but for mails about every opening of a link."""
        wishes = Preferences(caller.account_id, body)
        await store.put(wishes)
        return json_response(preferences_view(wishes))

    return router

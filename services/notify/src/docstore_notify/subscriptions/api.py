"""HTTP routes of subscriptions."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from docstore_notify.channels.registry import REGISTRY
from docstore_notify.deliveries.rules import DeliveryLogEntry
from docstore_notify.subscriptions import schemas
from docstore_notify.subscriptions.rules import FILE_CHANGES, USUAL_CHANGES, FileChange, Subscription
from docstore_notify.subscriptions.schemas import Follow, FollowChange
from docstore_notify.subscriptions.service import SubscriptionRequest, SubscriptionService
from docstore_platform.clock import rfc3339
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.http.values import Cursor, Id
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response

Limit = Annotated[int, Query(ge=1, le=1000)]
NO_STORE = {"cache-control": "no-store"}
"""Also keeps the gateway from storing the response for an Idempotency-Key."""


def subscription_view(subscription: Subscription) -> dict[str, Any]:
    """Return the fields without the secret; the target can be edited."""
    return {
        "id": subscription.id,
        "file_id": subscription.file_id,
        "channel": subscription.channel,
        "target": REGISTRY.entered(subscription.channel, subscription.target) or None,
        "events": list(subscription.events),
        "state": "active" if subscription.active else "disabled",
        "disabled_reason": subscription.disabled_reason,
        "created_at": rfc3339(subscription.created_at),
    }


def delivery_view(log_entry: DeliveryLogEntry) -> dict[str, Any]:
    return {
        "id": log_entry.id,
        "kind": log_entry.kind,
        "state": log_entry.state,
        "created_at": rfc3339(log_entry.created_at),
        "event_ids": list(log_entry.event_ids),
        "attempts": log_entry.attempts,
        "tries": [{"at": rfc3339(one.at), "status": one.status, "detail": one.detail} for one in log_entry.tries],
        "next_try_at": rfc3339(log_entry.next_at) if log_entry.next_at else None,
    }


def in_order(events: list[FileChange]) -> tuple[FileChange, ...]:
    return tuple(change for change in FILE_CHANGES if change in events)


def subscriptions_router(following: SubscriptionService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["notifications"])

    @router.post(
        "/subscriptions",
        status_code=201,
        response_model=schemas.CreatedSubscription,
        responses={200: {"description": "This subscription already existed.", "model": schemas.Subscription}},
    )
    async def create_subscription(body: Follow, request: Request, caller: Caller) -> Response:
        """Follow a file, or a folder with all its contents; 200 if the subscription already existed.

        Only the 201 response contains the signing secret of a webhook. Repeated with its Idempotency-Key, the call that
        created the subscription gets the same response for a day.
        """
        events = in_order(body.events) if body.events else USUAL_CHANGES
        wanted = SubscriptionRequest(body.file_id, body.channel, body.target, events)
        subscription, new = await following.follow(
            caller.account_id, wanted, request.headers.get("idempotency-key", "")
        )
        view = subscription_view(subscription)
        if new and subscription.target.secret:
            return json_response({**view, "secret": subscription.target.secret}, 201, NO_STORE)
        return json_response(view, 201 if new else 200)

    @router.get("/subscriptions", response_model=schemas.SubscriptionPage)
    async def list_subscriptions(
        caller: Caller, cursor: Cursor = None, limit: Limit = 100, file_id: Id | None = None
    ) -> Response:
        after = decode_cursor(cursor, str)[0] if cursor else ""
        found = await following.page(caller.account_id, after, limit + 1, file_id)
        items = found[:limit]
        next_cursor = encode_cursor(items[-1].id) if len(found) > limit else None
        return json_response({"items": [subscription_view(item) for item in items], "next_cursor": next_cursor})

    @router.get("/subscriptions/{subscription_id}", response_model=schemas.Subscription)
    async def get_subscription(subscription_id: str, caller: Caller) -> Response:
        return json_response(subscription_view(await following.get(caller.account_id, subscription_id)))

    @router.patch("/subscriptions/{subscription_id}", response_model=schemas.Subscription)
    async def update_subscription(subscription_id: str, body: FollowChange, caller: Caller) -> Response:
        """Change the events, or enable it again with `state: "active"`."""
        events = in_order(body.events) if body.events else None
        changed = await following.change(caller.account_id, subscription_id, events, enable=body.state is not None)
        return json_response(subscription_view(changed))

    @router.delete("/subscriptions/{subscription_id}", status_code=204)
    async def delete_subscription(subscription_id: str, caller: Caller) -> None:
        await following.unfollow(caller.account_id, subscription_id)

    return router


def subscription_deliveries_router(following: SubscriptionService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["notifications"])

    @router.get("/subscriptions/{subscription_id}/deliveries", response_model=schemas.DeliveryPage)
    async def list_deliveries(
        subscription_id: str, caller: Caller, cursor: Cursor = None, limit: Limit = 100
    ) -> Response:
        """List its deliveries of the last 30 days with their attempts, newest first. In-app notifications are in
        `/v1/notifications`."""
        before = decode_cursor(cursor, str)[0] if cursor else ""
        found = await following.log(caller.account_id, subscription_id, before, limit + 1)
        items = found[:limit]
        next_cursor = encode_cursor(items[-1].id) if len(found) > limit else None
        return json_response({"items": [delivery_view(item) for item in items], "next_cursor": next_cursor})

    @router.post("/subscriptions/{subscription_id}/test", response_model=schemas.TestResult)
    async def test_subscription(subscription_id: str, caller: Caller) -> Response:
        """Send a test message now and return the result: 200 whatever the receiver responds.

        429 `too_many_tests` after the hourly limit of the account (default 10).
        """
        delivery, attempt = await following.test(caller.account_id, subscription_id)
        outcome = {"delivery_id": delivery.id, "state": delivery.state}
        return json_response({**outcome, "status": attempt.status, "detail": attempt.detail})

    return router

"""HTTP routes of browsers that get push messages."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Response

from docstore_notify.push_subscriptions import schemas
from docstore_notify.push_subscriptions.rules import PushSubscription
from docstore_notify.push_subscriptions.schemas import RegisterBrowser
from docstore_notify.push_subscriptions.service import Browser, PushSubscriptionService
from docstore_platform.clock import rfc3339
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.http.values import Cursor
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response

Limit = Annotated[int, Query(ge=1, le=1000)]


def push_subscription_view(subscription: PushSubscription, session_id: str) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "device": subscription.device,
        "service": urlsplit(subscription.endpoint).hostname or "",
        "current": subscription.session_id == session_id,
        "created_at": rfc3339(subscription.created_at),
    }


def push_router(browsers: PushSubscriptionService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["notifications"])

    @router.get("/push-key", response_model=schemas.PushKey)
    async def get_push_key(caller: Caller) -> Response:
        """Get the key that browsers register with (VAPID, RFC 8292); 409 `channel_unavailable` if there is none."""
        return json_response({"key": browsers.server_key})

    @router.post(
        "/push-subscriptions",
        status_code=201,
        response_model=schemas.PushSubscription,
        responses={200: {"description": "This browser was registered.", "model": schemas.PushSubscription}},
    )
    async def create_push_subscription(body: RegisterBrowser, caller: Caller) -> Response:
        """Send the caller's notifications to a browser, until its log-in ends; 200 if it was registered."""
        browser = Browser(body.endpoint, body.keys.p256dh, body.keys.auth)
        kept, new = await browsers.register(caller.account_id, caller.session_id, caller.device, browser)
        return json_response(push_subscription_view(kept, caller.session_id), 201 if new else 200)

    @router.get("/push-subscriptions", response_model=schemas.PushSubscriptionPage)
    async def list_push_subscriptions(caller: Caller, cursor: Cursor = None, limit: Limit = 100) -> Response:
        after = decode_cursor(cursor, str)[0] if cursor else ""
        found = await browsers.page(caller.account_id, after, limit + 1)
        items = [push_subscription_view(one, caller.session_id) for one in found[:limit]]
        next_cursor = encode_cursor(items[-1]["id"]) if len(found) > limit else None
        return json_response({"items": items, "next_cursor": next_cursor})

    @router.delete("/push-subscriptions/{push_subscription_id}", status_code=204)
    async def delete_push_subscription(push_subscription_id: str, caller: Caller) -> None:
        await browsers.remove(caller.account_id, push_subscription_id)

    return router

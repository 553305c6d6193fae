"""HTTP: following files, and what one is told of."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from docstore_notify.domain import (
    CHANNELS,
    FILE_CHANGES,
    KINDS,
    ChannelName,
    FileChange,
    Kind,
    Preferences,
    Subscription,
)
from docstore_notify.service import NotifyService
from docstore_platform.clock import rfc3339
from docstore_platform.paging import decode_cursor, encode_cursor
from docstore_platform.problems import invalid
from docstore_platform.tokens import Principal, current_principal
from docstore_platform.web import json_response

Caller = Annotated[Principal, Depends(current_principal)]


class Follow(BaseModel):
    file_id: str = Field(min_length=1, max_length=64)
    channel: str = Field("email", max_length=64)
    events: list[FileChange] | None = Field(None, min_length=1, description="all, if not said")


Choices = dict[Kind, dict[ChannelName, bool]]
"""On or off, by what is told and by channel; what is not said is on."""


def subscription_view(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "file_id": subscription.file_id,
        "channel": subscription.channel,
        "events": list(subscription.events),
        "created_at": rfc3339(subscription.created_at),
    }


def preferences_view(preferences: Preferences) -> Choices:
    return {kind: {channel: preferences.wants(kind, channel) for channel in CHANNELS} for kind in KINDS}


def supported_channel(name: str) -> ChannelName:
    for channel in CHANNELS:
        if channel == name:
            return channel
    raise invalid(f"Messages go by {', '.join(CHANNELS)}.", "unsupported_channel")


def public_router(service: NotifyService) -> APIRouter:
    router = APIRouter(tags=["notifications"])

    @router.post("/subscriptions", status_code=201)
    async def follow(body: Follow, caller: Caller) -> Response:
        """Follow a file, or a folder with all in it; 200 if it was followed by this channel already."""
        channel = supported_channel(body.channel)
        events = tuple(change for change in FILE_CHANGES if body.events is None or change in body.events)
        subscription, new = await service.follow(caller.account_id, body.file_id, channel, events)
        return json_response(subscription_view(subscription), 201 if new else 200)

    @router.get("/subscriptions")
    async def subscriptions(
        caller: Caller,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        file_id: str | None = None,
    ) -> Response:
        after = decode_cursor(cursor, str)[0] if cursor else ""
        found = await service.subscriptions(caller.account_id, after, limit + 1, file_id)
        items = found[:limit]
        next_cursor = encode_cursor(items[-1].id) if len(found) > limit else None
        return json_response({"items": [subscription_view(item) for item in items], "next_cursor": next_cursor})

    @router.get("/subscriptions/{subscription_id}")
    async def subscription(subscription_id: str, caller: Caller) -> Response:
        return json_response(subscription_view(await service.subscription(caller.account_id, subscription_id)))

    @router.delete("/subscriptions/{subscription_id}", status_code=204)
    async def unfollow(subscription_id: str, caller: Caller) -> None:
        await service.unfollow(caller.account_id, subscription_id)

    @router.get("/notifications/preferences")
    async def preferences(caller: Caller) -> Choices:
        return preferences_view(await service.preferences(caller.account_id))

    @router.put("/notifications/preferences")
    async def prefer(body: Choices, caller: Caller) -> Choices:
        chosen = Preferences(caller.account_id, body)
        await service.prefer(chosen)
        return preferences_view(chosen)

    return router

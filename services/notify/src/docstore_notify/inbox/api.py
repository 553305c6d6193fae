"""HTTP routes of in-app notifications."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from docstore_notify.contacts.repository import Contacts
from docstore_notify.inbox import schemas
from docstore_notify.inbox.repository import Inbox, Notification
from docstore_notify.inbox.schemas import MarkRead
from docstore_notify.texts import subject
from docstore_platform.clock import rfc3339
from docstore_platform.errors import invalid
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.http.values import Cursor
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def notification_view(notification: Notification, language: str) -> dict[str, Any]:
    delivery = notification.delivery
    files = {item["file_id"] for item in delivery.items if item.get("file_id")}
    return {
        "id": delivery.id,
        "kind": delivery.kind,
        "created_at": rfc3339(delivery.created_at),
        "read": notification.read,
        "title": subject(delivery, language),
        "items": list(delivery.items),
        "more": delivery.unlisted,
        "file_id": files.pop() if len(files) == 1 else None,
    }


def inbox_router(inbox: Inbox, contacts: Contacts) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["notifications"])

    @router.get("/notifications", response_model=schemas.NotificationPage)
    async def list_notifications(
        caller: Caller,
        unread: bool = False,
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    ) -> Response:
        """List notifications, newest first, kept for 90 days, with titles in the account's language.

        `unread` counts up to 1000.
        """
        before = decode_cursor(cursor, str)[0] if cursor else ""
        found = await inbox.page(caller.account_id, before, limit + 1, unread=unread)
        items = found[:limit]
        language = await contacts.language_of(caller.account_id)
        return json_response(
            {
                "items": [notification_view(item, language) for item in items],
                "next_cursor": encode_cursor(items[-1].delivery.id) if len(found) > limit else None,
                "unread": await inbox.unread(caller.account_id),
            }
        )

    @router.post("/notifications/read", response_model=schemas.Unread)
    async def mark_notifications_read(body: MarkRead, caller: Caller) -> Response:
        """Mark notifications as read; returns how many are still unread."""
        if (body.ids is not None) + body.all + (body.before is not None) != 1:
            raise invalid("Give one of ids, all and before.")
        if body.ids is not None:
            await inbox.mark_read(caller.account_id, body.ids)
        else:
            await inbox.mark_all_read(caller.account_id, body.before)
        return json_response({"unread": await inbox.unread(caller.account_id)})

    return router

"""HTTP routes of preferences."""

from fastapi import APIRouter, Response

from docstore_notify.domain import CHOSEN_KINDS, personal_channels
from docstore_notify.preferences import schemas
from docstore_notify.preferences.repository import PreferenceStore
from docstore_notify.preferences.rules import Preferences
from docstore_notify.preferences.schemas import Choices
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def preferences_view(preferences: Preferences) -> Choices:
    return {
        kind: {channel: preferences.wants(kind, channel) for channel in personal_channels(kind)}
        for kind in CHOSEN_KINDS
    }


def preferences_router(store: PreferenceStore) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["notifications"])

    @router.get("/notifications/preferences", response_model=schemas.Preferences)
    async def get_notification_preferences(caller: Caller) -> Response:
        found = await store.find([caller.account_id])
        return json_response(preferences_view(found.get(caller.account_id, Preferences(caller.account_id))))

    @router.put("/notifications/preferences", response_model=schemas.Preferences)
    async def set_notification_preferences(body: Choices, caller: Caller) -> Response:
        """Set preferences. Missing ones get their default: on, except mails and pushes about every opening of a link,
        and pushes about uploads. Text messages (`sms`) are sent to a verified phone, about critical news only."""
        wishes = Preferences(caller.account_id, body)
        await store.put(wishes)
        return json_response(preferences_view(wishes))

    return router

"""HTTP routes of sessions: `/v1/sessions`."""

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import Response

from docstore_accounts.parameters import NO_STORE, Address, Limit, PathId
from docstore_accounts.sessions.device_names import device_name
from docstore_accounts.sessions.schemas import (
    LogIn,
    LogInResponse,
    Refresh,
    SessionPage,
    Tokens,
    session_json,
    tokens_json,
)
from docstore_accounts.sessions.service import SessionService
from docstore_contracts.accounts import SessionState
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX, PUBLIC_PREFIX
from docstore_platform.http.values import Cursor
from docstore_platform.security.service_identity import callers
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def internal_router(sessions: SessionService) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["accounts"])

    @router.get(
        "/accounts/{account_id}/sessions/{session_id}",
        dependencies=[callers("notify")],
        response_model=described(SessionState),
    )
    async def session_state(account_id: PathId, session_id: PathId) -> Response:
        """Whether a log-in lasts: push messages end with it."""
        body: SessionState = {"active": await sessions.is_active(account_id, session_id)}
        return json_response(body)

    return router


def sessions_router(sessions: SessionService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["sessions"])

    @router.post(
        "/sessions",
        status_code=201,
        response_model=LogInResponse,
        responses={307: {"description": "To the home region"}},
    )
    async def log_in(body: LogIn, address: Address, user_agent: Annotated[str | None, Header()] = None) -> Response:
        """Log a device in. 401 `invalid_credentials`, 403 `account_suspended`, 429 after too many failures.

        307 if the account's home is another region: send the request there.
        """
        device = device_name(body.device_name, user_agent)
        tokens = await sessions.log_in(
            body.email, body.password, device, address=address, device_token=body.device_token
        )
        return json_response(tokens_json(tokens) | {"device_token": tokens.device_token}, 201, NO_STORE)

    @router.post("/sessions/refresh", response_model=Tokens)
    async def refresh_session(body: Refresh) -> Response:
        """Exchange a refresh token for new tokens. It works once; using it again ends its session."""
        return json_response(tokens_json(await sessions.refresh(body.refresh_token)), headers=NO_STORE)

    @router.get("/sessions", response_model=SessionPage)
    async def list_sessions(caller: Caller, cursor: Cursor = None, limit: Limit = 100) -> Response:
        """List the caller's sessions, newest first."""
        before = decode_cursor(cursor, str)[0] if cursor else ""
        page = await sessions.page(caller, before, limit + 1)
        items = [session_json(session, caller) for session in page[:limit]]
        next_cursor = encode_cursor(page[limit - 1].id) if page[limit:] else None
        return json_response({"items": items, "next_cursor": next_cursor})

    @router.delete("/sessions/current", status_code=204)
    async def log_out(caller: Caller) -> None:
        """End the session of this token."""
        await sessions.end_current(caller)

    @router.delete("/sessions/{session_id}", status_code=204)
    async def delete_session(session_id: PathId, caller: Caller) -> None:
        """Log another device out."""
        await sessions.end(caller, session_id)

    return router

"""HTTP routes of API tokens: `/v1/me/tokens`, and the internal one that exchanges them."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_accounts.api_tokens.schemas import ApiTokenPage, CreatedApiToken, NewApiToken, api_token_json
from docstore_accounts.api_tokens.service import ApiTokenService
from docstore_accounts.parameters import NO_STORE, Limit, PathId
from docstore_contracts.accounts import ExchangedToken, TokenExchange
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX, PUBLIC_PREFIX
from docstore_platform.http.values import Cursor
from docstore_platform.security.service_identity import callers
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def internal_router(tokens: ApiTokenService) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["accounts"])

    @router.post("/token-exchange", dependencies=[callers("gateway")], response_model=described(ExchangedToken))
    async def exchange_token(body: TokenExchange) -> Response:
        """Exchange an API token for a short-lived access token with its scopes.

        404 `invalid_token` if it is unknown, expired, revoked or not of the account with `email`.
        """
        access_token, expires_in = await tokens.exchange(body["token"], body.get("email"))
        return json_response(ExchangedToken(access_token=access_token, expires_in=expires_in))

    return router


def api_tokens_router(tokens: ApiTokenService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["accounts"])

    @router.post("/me/tokens", status_code=201, response_model=CreatedApiToken)
    async def create_api_token(body: NewApiToken, caller: Caller) -> Response:
        """Create an API token, which works as a password for programs, too. It is shown once, and mailed about.

        404 if there is nothing at `path`; 409 `not_a_folder`, `too_many_tokens`; 403 for `admin:read` unless the caller
        is an administrator.
        """
        token, secret = await tokens.create(caller, body.name, body.scopes, body.path, body.expires_at)
        return json_response(api_token_json(token, body.path) | {"token": secret}, 201, NO_STORE)

    @router.get("/me/tokens", response_model=ApiTokenPage)
    async def list_api_tokens(caller: Caller, cursor: Cursor = None, limit: Limit = 100) -> Response:
        """List the caller's API tokens, newest first."""
        before = decode_cursor(cursor, str)[0] if cursor else ""
        page = await tokens.page(caller, before, limit + 1)
        paths = await tokens.paths_of(caller, page[:limit])
        items = [api_token_json(token, paths.get(token.folder_id)) for token in page[:limit]]
        next_cursor = encode_cursor(page[limit - 1].id) if page[limit:] else None
        return json_response({"items": items, "next_cursor": next_cursor})

    @router.delete("/me/tokens/{token_id}", status_code=204)
    async def delete_api_token(token_id: PathId, caller: Caller) -> None:
        """Revoke an API token: within a second it works nowhere."""
        await tokens.revoke(caller, token_id)

    return router

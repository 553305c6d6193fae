"""HTTP routes of administrators: `/v1/admin/accounts`."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from docstore_accounts.account.repository import Filter
from docstore_accounts.account.rules import MAX_EMAIL_CHARS, Change, Plan, Status, email_key
from docstore_accounts.account.schemas import Account, account_json
from docstore_accounts.administration.schemas import AccountPage, AdminChange
from docstore_accounts.administration.service import AdministrationService
from docstore_accounts.parameters import Limit, PathId
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.http.values import Cursor
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def administration_router(administration: AdministrationService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["admin"])

    @router.get("/admin/accounts", response_model=AccountPage)
    async def list_accounts(
        caller: Caller,
        q: Annotated[str, Query(max_length=MAX_EMAIL_CHARS, description="prefix of the e-mail")] = "",
        plan: Plan | None = None,
        status: Status | None = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response:
        """List all accounts by e-mail."""
        after = decode_cursor(cursor, str)[0] if cursor else ""
        page = await administration.page(caller, Filter(q, plan, status), after, limit + 1)
        last = encode_cursor(email_key(page[limit - 1].email)) if page[limit:] else None
        return json_response({"items": [account_json(account) for account in page[:limit]], "next_cursor": last})

    @router.patch("/admin/accounts/{account_id}", response_model=Account)
    async def update_account(account_id: PathId, body: AdminChange, caller: Caller) -> Response:
        """Change plan, role or status, or confirm the e-mail address without a mail.

        Suspending ends every session of the account, and closes its public links.
        """
        change = Change(**body.model_dump())
        return json_response(account_json(await administration.change(caller, account_id, change)))

    return router

"""Internal route by which other services read an account."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_accounts.account.schemas import account_json
from docstore_accounts.account.service import AccountService
from docstore_accounts.parameters import PathId
from docstore_platform.routes import INTERNAL_PREFIX
from docstore_platform.service_identity import callers
from docstore_platform.web import json_response


def internal_router(accounts: AccountService) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["accounts"])

    @router.get("/accounts/{account_id}", dependencies=[callers("indexer", "metadata", "quota")])
    async def account(account_id: PathId) -> Response:
        """One account with the revision of its last event."""
        found = await accounts.get(account_id)
        return json_response(account_json(found) | {"revision": found.revision})

    return router

"""Internal route by which other services read an account."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_accounts.account.schemas import account_json
from docstore_accounts.account.service import AccountService
from docstore_accounts.parameters import PathId
from docstore_contracts.accounts import InternalAccount
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.security.service_identity import callers
from docstore_platform.service.app import json_response


def internal_router(accounts: AccountService) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["accounts"])

    readers = [callers("indexer", "metadata", "quota")]

    @router.get("/accounts/{account_id}", dependencies=readers, response_model=described(InternalAccount))
    async def account(account_id: PathId) -> Response:
        """One account with the revision of its last event."""
        found = await accounts.get(account_id)
        body: InternalAccount = {**account_json(found), "revision": found.revision}
        return json_response(body)

    return router

"""HTTP routes of the caller's own account: `/v1/me`."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_accounts.account import schemas as account_schemas
from docstore_accounts.account.schemas import account_json
from docstore_accounts.parameters import Address
from docstore_accounts.profile.schemas import Me, OwnChange, PlanChoice
from docstore_accounts.profile.service import ProfileService
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def profile_router(profile: ProfileService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["accounts"])

    @router.get("/me", response_model=Me)
    async def get_me(caller: Caller) -> Response:
        """Get the caller's account and its usage in bytes."""
        account, usage = await profile.show(caller)
        shown = {
            "used": usage["used"],
            "reserved": usage["reserved"],
            "limit": usage["limit"],
            "over_quota": usage["over_quota"],
        }
        own = {
            "usage": shown,
            "folder_id": caller.folder_id or None,
            "self_service_plans": profile.self_service_plans,
        }
        return json_response(account_json(account) | own)

    @router.patch("/me", response_model=account_schemas.Account)
    async def update_me(body: OwnChange, caller: Caller, address: Address) -> Response:
        """Change name, language or, with `current_password`, the password, which logs every other device out."""
        return json_response(account_json(await profile.update(caller, address, **body.model_dump())))

    @router.put("/me/plan", response_model=account_schemas.Account)
    async def set_plan(body: PlanChoice, caller: Caller) -> Response:
        """Change one's own plan; 403 `plans_not_self_service` unless enabled."""
        return json_response(account_json(await profile.choose_plan(caller, body.plan)))

    return router

"""Routes of the retention policy."""

from fastapi import APIRouter, Response

from docstore_metadata.retention import schemas
from docstore_metadata.retention.schemas import NewPolicy
from docstore_metadata.retention.service import RetentionService, RetentionState
from docstore_metadata.tree.retention_policy import Bounds, Policy
from docstore_metadata.tree.views.presentation import Json
from docstore_platform.clock import rfc3339
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def retention_router(retention: RetentionService) -> APIRouter:
    """Routes of the retention policy."""
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["retention"])

    @router.get("/me/retention", response_model=schemas.Retention)
    async def get_retention(principal: Caller) -> Response:
        """Show how long trash and old versions are kept, and the most that may be chosen (null: for ever)."""
        return json_response(_state_json(await retention.see(principal), retention.bounds))

    @router.put("/me/retention", response_model=schemas.Retention)
    async def set_retention(body: NewPolicy, principal: Caller) -> Response:
        """Choose how long trash and old versions are kept; takes effect at `applies_at`. 422 `invalid_retention`."""
        policy = Policy(body.trash_days, body.versions, body.version_days)
        return json_response(_state_json(await retention.choose(principal, policy), retention.bounds))

    @router.delete("/me/retention", response_model=schemas.Retention)
    async def reset_retention(principal: Caller) -> Response:
        """Return to the operator's default, including its later changes."""
        return json_response(_state_json(await retention.choose(principal, None), retention.bounds))

    return router


def _state_json(kept: RetentionState, bounds: Bounds) -> Json:
    return {
        **_policy_json(kept.policy),
        "is_default": kept.is_default,
        "applies_at": rfc3339(kept.applies_at) if kept.applies_at else None,
        "most": _policy_json(bounds.most),
    }


def _policy_json(policy: Policy) -> Json:
    return {"trash_days": policy.trash_days, "versions": policy.versions, "version_days": policy.version_days}

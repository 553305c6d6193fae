"""Public HTTP routes of the retention policy: thin."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from docstore_metadata import answers
from docstore_metadata.dependencies import Caller, Cases
from docstore_metadata.keeping import Kept
from docstore_metadata.presentation import Json
from docstore_metadata.retention_policy import MAX_DAYS, Bounds, Policy
from docstore_platform.bodies import Body
from docstore_platform.clock import rfc3339
from docstore_platform.values import WHOLE, described
from docstore_platform.web import json_response

router = APIRouter(tags=["retention"])


Days = Annotated[int, described(minimum=1, maximum=MAX_DAYS), WHOLE]


class NewPolicy(Body):
    """All of it: what is to be as before is said again. `most` in the answer is what the operator allows."""

    trash_days: Days | None = Field(description="what is in the trash goes for good after so many days; null: never")
    versions: Annotated[int, described(minimum=1), WHOLE] = Field(
        description="versions kept of a file, the current one included"
    )
    version_days: Days | None = Field(description="old versions go so many days after they were replaced; null: never")


@router.get("/me/retention", response_model=answers.Retention)
async def see_retention(principal: Caller, cases: Cases) -> Response:
    """How long the trash and old versions are kept, and the most that may be chosen (null: for ever)."""
    return json_response(_retention_json(await cases.keeping.see(principal), cases.keeping.bounds))


@router.put("/me/retention", response_model=answers.Retention)
async def choose_retention(body: NewPolicy, principal: Caller, cases: Cases) -> Response:
    """Choose how long the trash and old versions are kept; takes effect at `applies_at`. 422 `invalid_retention`."""
    policy = Policy(body.trash_days, body.versions, body.version_days)
    return json_response(_retention_json(await cases.keeping.choose(principal, policy), cases.keeping.bounds))


@router.delete("/me/retention", response_model=answers.Retention)
async def reset_retention(principal: Caller, cases: Cases) -> Response:
    """Choose nothing: what the operator says holds, as it will be changed."""
    return json_response(_retention_json(await cases.keeping.choose(principal, None), cases.keeping.bounds))


def _retention_json(kept: Kept, bounds: Bounds) -> Json:
    return {
        **_policy_json(kept.policy),
        "is_default": kept.is_default,
        "applies_at": rfc3339(kept.applies_at) if kept.applies_at else None,
        "most": _policy_json(bounds.most),
    }


def _policy_json(policy: Policy) -> Json:
    return {"trash_days": policy.trash_days, "versions": policy.versions, "version_days": policy.version_days}

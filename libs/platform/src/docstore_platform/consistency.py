"""What consistency checks have in common: their internal route, and where they read."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_contracts.consistency import CheckName, CheckPage, CheckRequest
from docstore_platform.errors import not_found
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.mongodb.client import Database, ReadPreference
from docstore_platform.security.service_identity import callers
from docstore_platform.service.app import json_response

Check = Callable[[CheckRequest], Awaitable[CheckPage]]
"""Checks one page. It reports, and repairs where told to, what is still wrong when it looks a second time."""


def from_secondary(database: Database) -> Database:
    """The same database for reads that may be a little behind: from a secondary, where there is one."""
    return database.with_options(read_preference=ReadPreference.SECONDARY_PREFERRED)


def consistency_router(checks: Mapping[CheckName, Check]) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["consistency"])

    @router.post("/consistency", dependencies=[callers("gateway")], response_model=described(CheckPage))
    async def check_consistency(body: CheckRequest) -> Response:
        """Check one page of what this service stores; repair what can be repaired, if told to."""
        check = checks.get(body["check"])
        if check is None:
            raise not_found("check of this service")
        return json_response(await check(body))

    return router

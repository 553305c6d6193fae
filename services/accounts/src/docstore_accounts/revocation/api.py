"""Internal route by which gateways follow revocations."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from docstore_accounts.revocation.service import RevocationFeed
from docstore_contracts.accounts import RevocationPage
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.security.service_identity import callers
from docstore_platform.service.app import json_response


def internal_router(feed: RevocationFeed) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["accounts"])

    @router.get("/revocations", dependencies=[callers("gateway")], response_model=described(RevocationPage))
    async def follow(
        cursor: Annotated[str, Query(max_length=100)] = "",
        wait: Annotated[float, Query(ge=0, le=25)] = 0,
    ) -> Response:
        """Get revocations after `cursor`, or all in force; wait up to `wait` seconds if there are none."""
        page = await feed.page(cursor, wait)
        items = [revocation.to_json() for revocation in page.revocations]
        return json_response(RevocationPage(items=items, cursor=page.cursor))

    return router

"""Internal route by which services get the public keys of access tokens."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_accounts.signing_keys.service import KeyRing
from docstore_contracts.accounts import JwkSet
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.security.service_identity import any_service
from docstore_platform.service.app import json_response


def internal_router(ring: KeyRing) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["accounts"])

    @router.get("/keys", dependencies=[any_service()], response_model=described(JwkSet))
    async def keys() -> Response:
        """The public keys of access tokens, as a JWK set."""
        return json_response(await ring.public_keys())

    return router

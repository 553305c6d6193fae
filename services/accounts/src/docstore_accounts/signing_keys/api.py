"""Internal route by which services get the public keys of access tokens."""

from fastapi import APIRouter

from docstore_accounts.signing_keys.service import KeyRing
from docstore_platform.routes import INTERNAL_PREFIX
from docstore_platform.service_identity import any_service
from docstore_platform.tokens import JwkSet


def internal_router(ring: KeyRing) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["accounts"])

    @router.get("/keys", dependencies=[any_service()])
    async def keys() -> JwkSet:
        """The public keys of access tokens, as a JWK set."""
        return await ring.public_keys()

    return router

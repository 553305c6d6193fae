"""Routes of locks and properties, for the gateway's WebDAV. All of them are idempotent."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_contracts import annotations as contract
from docstore_metadata.annotations.service import AnnotationService
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.security.service_identity import callers
from docstore_platform.service.app import json_response


def annotations_router(service: AnnotationService) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["internal"], dependencies=[callers("gateway")])

    @router.post("/annotations", response_model=described(contract.AnnotationsResponse))
    async def read(body: contract.AnnotationsRequest) -> Response:
        """Locks and properties of files and folders."""
        items = await service.read(body["account_id"], body["ids"], body.get("children_of"))
        response: contract.AnnotationsResponse = {"items": items}
        return json_response(response)

    @router.post("/locks", response_model=described(contract.Lock))
    async def lock(body: contract.LockRequest) -> Response:
        """Lock a file or folder."""
        return json_response(await service.lock(body))

    @router.post("/locks/refresh", response_model=described(contract.Lock))
    async def refresh(body: contract.LockRefresh) -> Response:
        """Renew a lock."""
        return json_response(
            await service.refresh(body["account_id"], body["file_id"], body["tokens"], body["seconds"])
        )

    @router.post("/locks/release", status_code=204)
    async def release(body: contract.LockRelease) -> Response:
        """Release a lock, if it is in force."""
        await service.unlock(body["account_id"], body["file_id"], body["token"])
        return Response(status_code=204)

    @router.post("/properties", status_code=204)
    async def change_properties(body: contract.PropertyChanges) -> Response:
        """Set and remove properties."""
        changes = [(change["name"], change["xml"]) for change in body["changes"]]
        await service.change_properties(body["account_id"], body["file_id"], changes, body["lock_tokens"])
        return Response(status_code=204)

    return router

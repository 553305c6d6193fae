"""HTTP route `/v1/files/{id}/credentials`: temporary credentials to read a folder from S3."""

from collections.abc import Callable
from dataclasses import asdict

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_metadata.dependencies import NO_STORE, public_router
from docstore_metadata.read_credentials import schemas
from docstore_metadata.read_credentials.rules import MAX_LISTED, StoreLocation
from docstore_metadata.read_credentials.service import ReadCredentialsService
from docstore_platform.clock import rfc3339
from docstore_platform.http.read_header import with_read_files
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def read_credentials_router(service: ReadCredentialsService, located: Callable[[], StoreLocation]) -> APIRouter:
    """`located`: where the client of the current request finds the objects."""
    router = public_router("files")

    @router.post("/files/{file_id}/credentials", status_code=201, response_model=schemas.ReadCredentials)
    async def create_read_credentials(file_id: str, principal: Caller) -> Response:
        """Get temporary credentials, by which any S3 tool reads the files of a folder that are whole objects.

        They read the current contents of exactly the listed objects, for an hour at most, also if the log-in ends
        meanwhile; they list and change nothing. Files in packs (small ones) and in blocks (large ones), and archived
        ones, are not included. Only for what the account owns: 403 `owner_only`. 409 `no_whole_objects` if there are
        none, 413 `too_many_files` for more than a session policy can name, about 15.
        """
        lent, found = await service.of(principal, file_id)
        keys = {
            "access_key_id": lent.access_key_id,
            "secret_access_key": lent.secret_access_key,
            "session_token": lent.session_token,
            "expires_at": rfc3339(lent.expires_at),
            **asdict(located()),
        }
        objects = [
            {
                "path": each.path,
                "file_id": each.node.id,
                "key": each.node.object_key,
                "size": each.node.size,
                "sha256": each.node.sha256,
            }
            for each in found.objects
        ]
        body = {
            "credentials": keys,
            "objects": objects,
            "not_included": [{"path": each.path, "reason": each.reason} for each in found.left_out[:MAX_LISTED]],
            "not_included_count": len(found.left_out),
        }
        return with_read_files(json_response(body, 201, NO_STORE), [each.node.id for each in found.objects])

    return router

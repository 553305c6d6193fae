"""Routes that retrieve contents from cold storage."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from docstore_metadata.cold_storage import rules, schemas
from docstore_metadata.cold_storage.rules import ColdPolicy
from docstore_metadata.cold_storage.service import RetrievalService
from docstore_metadata.dependencies import NO_STORE, public_router
from docstore_metadata.paging import moment_json
from docstore_platform.http.values import VersionNumber
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response

Number = Annotated[VersionNumber | None, Query()]


def retrievals_router(retrievals: RetrievalService, policy: ColdPolicy) -> APIRouter:
    router = public_router("files")

    @router.get("/files/{file_id}/retrieval", response_model=schemas.Retrieval)
    async def get_retrieval(file_id: str, principal: Caller, version: Number = None) -> Response:
        """Show whether a content can be read, or must be retrieved from cold storage first."""
        return _answer(await retrievals.look(principal, file_id, version), policy)

    @router.post("/files/{file_id}/retrieval", status_code=202, response_model=schemas.Retrieval)
    async def request_retrieval(file_id: str, principal: Caller, version: Number = None) -> Response:
        """Request the retrieval of a content from cold storage; no effect if it can be read.

        The caller is notified when it can be read; then it is as before. Requesting it again changes nothing.
        """
        return _answer(await retrievals.request(principal, file_id, version), policy, 202)

    return router


def _answer(retrieval: rules.Retrieval, policy: ColdPolicy, status: int = 200) -> Response:
    shown = {
        "version": retrieval.version,
        "state": retrieval.state,
        "requested_at": moment_json(retrieval.requested_at),
        "expected_at": moment_json(retrieval.expected_at),
        "estimate_seconds": None if retrieval.state == "available" else policy.estimate,
    }
    return json_response(shown, status, NO_STORE)

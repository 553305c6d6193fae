"""HTTP routes of an account's languages."""

from fastapi import APIRouter, Response

from docstore_indexer.languages import schemas
from docstore_indexer.languages.schemas import NewLanguages
from docstore_indexer.languages.service import LanguageService
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def languages_router(service: LanguageService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["search"])

    @router.get("/me/languages", response_model=schemas.Languages)
    async def get_languages(caller: Caller) -> Response:
        """Show in which languages text in pictures and scans is recognized (premium)."""
        return await _shown(caller.account_id)

    @router.put("/me/languages", response_model=schemas.Languages)
    async def set_languages(body: NewLanguages, caller: Caller) -> Response:
        """Choose the languages of pictures and scans; those that were read in others are read again in the background.

        422 `language_unavailable`, which lists the languages that can be chosen.
        """
        await service.choose(caller.account_id, body.languages)
        return await _shown(caller.account_id)

    async def _shown(account_id: str) -> Response:
        used, is_default = await service.languages_of(account_id)
        return json_response({"languages": used, "is_default": is_default, "available": service.trained.available})

    return router

"""The language of a page for a visitor without a log-in, as a dependency of FastAPI's routes."""

from typing import Annotated

from fastapi import Depends, Request

from docstore_platform.languages import accepted_language


def _visitor_language(request: Request) -> str:
    return accepted_language(request.headers.get("accept-language", ""))


VisitorLanguage = Annotated[str, Depends(_visitor_language)]

"""HTTP routes to unsubscribe from e-mails without a login (RFC 8058)."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from docstore_notify.domain import CHOSEN_KINDS, Kind
from docstore_notify.languages import templates
from docstore_notify.unsubscribe.service import KINDS_IN_WORDS, UnsubscribeService
from docstore_notify.unsubscribe.tokens import MAX_TOKEN_CHARS
from docstore_platform.errors import NotFound
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.plain_page import STYLE_SOURCE
from docstore_platform.plain_page.translated import language_headers
from docstore_platform.plain_page.visitor_language import VisitorLanguage

Token = Annotated[str, Query(min_length=1, max_length=MAX_TOKEN_CHARS)]
POLICY = f"default-src 'none'; style-src {STYLE_SOURCE}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}

INVALID: dict[int | str, dict[str, Any]] = {
    404: {
        "description": "The link isn't valid: a page that says so.",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
}


def unsubscribe_router(unsubscribe_service: UnsubscribeService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["notifications"])

    @router.get("/unsubscribe", response_class=HTMLResponse, responses=INVALID)
    async def get_unsubscribe_page(token: Token, language: VisitorLanguage) -> HTMLResponse:
        """Show the confirmation page. It changes nothing: mail programs open links by themselves."""
        try:
            return _page("asked", language, unsubscribe_service.kind(token))
        except NotFound:
            return _page("invalid", language)

    @router.post("/unsubscribe", response_class=HTMLResponse, responses=INVALID)
    async def unsubscribe(token: Token, language: VisitorLanguage) -> HTMLResponse:
        """Unsubscribe: the page's button, and the one-click header of mail programs. Idempotent."""
        try:
            return _page("ended", language, await unsubscribe_service.end(token))
        except NotFound:
            return _page("invalid", language)

    return router


def _page(state: Literal["asked", "ended", "invalid"], language: str, kind: Kind | None = None) -> HTMLResponse:
    html = (
        templates(language)
        .get_template("unsubscribe.html")
        .render(state=state, what=KINDS_IN_WORDS[kind] if kind else "", is_setting=kind in CHOSEN_KINDS)
    )
    return HTMLResponse(html, 404 if state == "invalid" else 200, HEADERS | language_headers(language))

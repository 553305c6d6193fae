"""HTTP: ending e-mails by the link they carry, without a login (RFC 8058)."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from docstore_notify.pages import Pages
from docstore_notify.unsubscribe import MAX_TOKEN_CHARS, Unsubscribing

Token = Annotated[str, Query(min_length=1, max_length=MAX_TOKEN_CHARS)]
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}


def unsubscribe_router(unsubscribing: Unsubscribing, pages: Pages) -> APIRouter:
    router = APIRouter(tags=["notifications"])

    @router.get("/unsubscribe", response_class=HTMLResponse)
    async def unsubscribe_page(token: Token) -> HTMLResponse:
        """A page that asks whether to end these e-mails. It ends nothing: mail programs open links by themselves."""
        return HTMLResponse(pages.ask(unsubscribing.what(token)), headers=HEADERS)

    @router.post("/unsubscribe", response_class=HTMLResponse)
    async def unsubscribe(token: Token) -> HTMLResponse:
        """End them: the page's button, and the one click of a mail program. Again is no error."""
        return HTMLResponse(pages.ended(await unsubscribing.end(token)), headers=HEADERS)

    return router

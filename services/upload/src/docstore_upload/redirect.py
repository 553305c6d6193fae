"""Where S3 sends the browser after a form: completes the upload, then shows the person their list."""

import html
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from docstore_platform.problems import Problem
from docstore_upload.service import UploadService

router = APIRouter(tags=["uploads"])

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}}</style></head>
<body><h1>{title}</h1><p>{detail}</p><p><a href="{home}">Back to your files</a></p></body></html>
"""


@router.get("/uploads/{upload}/redirect", response_class=RedirectResponse, status_code=303)
async def finish_in_browser(
    request: Request,
    upload: Annotated[str, Path(max_length=128)],
    token: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Complete `{id}.{token}`, as the form says it, or `{id}?token=`; 303 to the list of its folder.

    Without a login: the token is the right to complete this upload. What goes wrong is told on a small page.
    """
    service: UploadService = request.app.state.service
    home = request.app.state.infra.public_url.rstrip("/") + "/"
    upload_id, _, token_in_path = upload.partition(".")
    try:
        file = await service.complete_for_browser(upload_id, token_in_path or token)
    except Problem as problem:
        page = PAGE.format(
            title="The upload could not be completed", detail=html.escape(problem.detail), home=html.escape(home)
        )
        return HTMLResponse(page, problem.status, HEADERS | problem.headers)
    folder = str(file["path"]).rpartition("/")[0] or "/"
    return RedirectResponse(f"{home}?path={quote(folder)}", 303, HEADERS)

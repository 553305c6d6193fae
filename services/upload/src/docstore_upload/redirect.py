"""Where S3 sends the browser after a form: completes the upload, then shows the person what became of it.

A browser that runs the page goes on to its list. Who left the size open runs no script, and is told on a plain page,
as is everybody for whom something went wrong. It is told here, where the token is: not every browser sends the
cookie of a log-in with a call to which another site has led it.
"""

import html
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from docstore_platform.plain_page import CSS, STYLE_SOURCE, shown_size
from docstore_platform.problems import Problem
from docstore_upload.service import UploadService

router = APIRouter(tags=["uploads"])

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · DocStore</title><style>{css}</style></head>
<body><main><h1>{title}</h1><p>{detail}</p>{again}
<p><a href="{home}web/form">Send another file</a> · <a href="{home}">Back to your files</a></p>
<footer class="soft">DocStore</footer></main></body></html>
"""
LOOK_AGAIN = '<p><a class="button" href="">Look again</a></p>'


@router.get(
    "/uploads/{upload}/redirect",
    response_class=RedirectResponse,
    status_code=303,
    responses={200: {"content": {"text/html": {}}, "description": "What became of an upload of open size"}},
)
async def finish_in_browser(
    request: Request,
    upload: Annotated[str, Path(max_length=128)],
    token: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Complete `{id}.{token}`, as the form says it, or `{id}?token=`; 303 to the list of its folder.

    Without a login: the token is the right to complete this upload. What goes wrong is told on a small page; so is, for
    who left the size open, what went well.
    """
    service: UploadService = request.app.state.service
    home = request.app.state.infra.public_url.rstrip("/") + "/"
    upload_id, _, token_in_path = upload.partition(".")
    try:
        finished, file = await service.complete_for_browser(upload_id, token_in_path or token)
    except Problem as problem:
        again = LOOK_AGAIN if problem.status == 503 else ""
        page = _page("The upload could not be completed", problem.detail, home, again)
        return HTMLResponse(page, problem.status, HEADERS | problem.headers)
    path = str(file["path"])
    if finished.max_size is not None:
        detail = f"{path}, {shown_size(file['size'])}, version {file['version']}."
        return HTMLResponse(_page("Your file is stored", detail, home), 200, HEADERS)
    return RedirectResponse(f"{home}?path={quote(path.rpartition('/')[0] or '/')}", 303, HEADERS)


def _page(title: str, detail: str, home: str, again: str = "") -> str:
    return PAGE.format(title=title, detail=html.escape(detail), home=html.escape(home), css=CSS, again=again)

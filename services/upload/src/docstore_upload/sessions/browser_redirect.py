"""Page to which S3 redirects the browser after a form: completes the upload and shows the result.

A browser with script goes on to the file list. A form of open size was sent without script and gets a plain page, as
does every failure. The page is shown here, where the token is, because not every browser sends the log-in cookie with a
request to which another site has redirected it.
"""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from docstore_platform.errors import DomainError, Unavailable
from docstore_platform.http.client_origins import origins_or_public
from docstore_platform.http.problems import problem_of
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.languages import N_, shown_size, translations
from docstore_platform.plain_page import STYLE_SOURCE
from docstore_platform.plain_page.translated import language_headers, translated_pages
from docstore_platform.plain_page.visitor_language import VisitorLanguage
from docstore_upload.sessions.service import UploadService

router = APIRouter(prefix=PUBLIC_PREFIX, tags=["uploads"])
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
ADDED_BY_STORE = [
    {"name": name, "in": "query", "description": "Added by the store; ignored.", "schema": {"type": "string"}}
    for name in ("bucket", "key", "etag")
]
PACKAGE = "docstore_upload"


@router.get(
    "/uploads/{upload_id}/redirect",
    response_class=RedirectResponse,
    status_code=303,
    responses={
        200: {"content": {"text/html": {}}, "description": "The result of an upload of open size."},
        "default": {"content": {"text/html": {}}, "description": "A page that shows the error."},
    },
    openapi_extra={"parameters": ADDED_BY_STORE},
)
async def finish_upload_in_browser(
    request: Request,
    language: VisitorLanguage,
    upload_id: Annotated[str, Path(max_length=128, description="Id and token of the upload: `{id}.{token}`.")],
    token: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Complete an upload in the browser; 303 to the list of its folder. The token may also be the parameter `token`.

    Needs no login: the token is the right to complete this upload. Failures, and successes of uploads of open size,
    are shown on a small page.
    """
    service: UploadService = request.app.state.service
    home = origins_or_public(request.app.state.infra).gateway + "/"
    upload_id, _, token_in_path = upload_id.partition(".")
    try:
        finished, file = await service.complete_for_browser(upload_id, token_in_path or token)
    except DomainError as error:
        problem, again = problem_of(error), isinstance(error, Unavailable)
        title = N_("The upload could not be completed")
        page = _page(language, title, problem.detail, home, again=again)
        return HTMLResponse(page, problem.status, HEADERS | language_headers(language) | problem.headers)
    path = str(file["path"])
    if finished.max_size is not None:
        size = shown_size(file["size"], language)
        detail = translations(PACKAGE, language).gettext("%(path)s, %(size)s, version %(version)s.")
        detail %= {"path": path, "size": size, "version": file["version"]}
        page = _page(language, N_("Upload complete"), detail, home, again=False)
        return HTMLResponse(page, 200, HEADERS | language_headers(language))
    return RedirectResponse(f"{home}?path={quote(path.rpartition('/')[0] or '/')}", 303, HEADERS)


def _page(language: str, title: str, detail: str, home: str, *, again: bool) -> str:
    template = translated_pages(PACKAGE, language).get_template("finished.html")
    title = translations(PACKAGE, language).gettext(title)
    return template.render(title=title, detail=detail, home=home, again=again)

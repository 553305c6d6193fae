"""HTML of `/web/form`: no script, one inline style, nothing from other sites."""

from collections.abc import Mapping
from typing import Any

from starlette.types import Send

from docstore_gateway.responses import HeaderList, send_response
from docstore_gateway.web.built_pages import PERMISSIONS, store_origin
from docstore_gateway.web.form_visit import PACKAGE, Visit
from docstore_gateway.web.session import origin_of
from docstore_platform.errors import DomainError
from docstore_platform.http.client_origins import origins_or_public
from docstore_platform.http.problems import problem_of
from docstore_platform.languages import N_, SOURCE
from docstore_platform.plain_page import STYLE_SOURCE
from docstore_platform.plain_page.translated import language_headers, translated_pages
from docstore_platform.settings import InfraSettings

HTML = (b"content-type", b"text/html; charset=utf-8")
SHOWN_FOR = {"version_conflict": N_("A file with this name already exists.")}
"""Texts for problems whose own text is for programs."""
PROBLEMS = {
    "forbidden": N_("You can't upload to this folder."),
    "home_region": N_("This account is in another region. Log in there."),
    "invalid_credentials": N_("Incorrect email or password."),
    "invalid_path": N_("This file name or folder is not allowed."),
    "not_found": N_("This page does not exist."),
    "over_quota": N_("There isn't enough storage."),
    "rate_limited": N_("Too many attempts. Try again later."),
    "unavailable": N_("The server is busy or not available at the moment. Try again later."),
}
"""Texts in other languages than the server's own words, which know more."""


class FormPages:
    """Shows one of the template's states: log_in, choose, send, message."""

    def __init__(self, infra: InfraSettings) -> None:
        self._infra = infra
        self._headers: HeaderList = [
            HTML,
            (b"cache-control", b"no-store"),
            # Not stricter: browsers would send `Origin: null`, which does not show that the form is ours.
            (b"referrer-policy", b"same-origin"),
            (b"permissions-policy", PERMISSIONS.encode()),
        ]

    def _policy(self) -> bytes:
        # Browsers apply this to a form's whole path, including the store's redirect back to us.
        targets = f"'self' {store_origin(self._infra)} {origin_of(origins_or_public(self._infra).gateway)}"
        return (
            f"default-src 'none'; style-src {STYLE_SOURCE}; form-action {targets}; "
            "base-uri 'none'; frame-ancestors 'none'"
        ).encode()

    async def show(
        self,
        visit: Visit,
        state: str,
        title: str,
        error: DomainError | None = None,
        extra: HeaderList | None = None,
        **about: Any,
    ) -> None:
        """Respond with a page; with the status and text of an error, if there is one."""
        problem = problem_of(error) if error else None
        shown = problem_text(visit, problem.body()) if problem else ""
        page = translated_pages(PACKAGE, visit.language).get_template("form.html")
        text = page.render(state=state, title=title, problem=shown, **about)
        wait = problem.headers.get("Retry-After") if problem else None
        headers = [*self._headers, (b"content-security-policy", self._policy()), *(extra or [])]
        headers += [(b"retry-after", wait.encode())] if wait else []
        headers += [(name.encode(), value.encode()) for name, value in language_headers(visit.language).items()]
        await send_response(visit.send, problem.status if problem else 200, headers, text.encode())


def problem_text(visit: Visit, problem: Mapping[str, Any]) -> str:
    """Return the text of a problem document in the visitor's language."""
    code, detail = str(problem["code"]), str(problem["detail"])
    shown = SHOWN_FOR.get(code, detail)
    translated = visit.text(shown)
    if translated == shown and visit.language != SOURCE and code in PROBLEMS:
        return visit.text(PROBLEMS[code])
    return translated


async def go_to(send: Send, path: str, extra: HeaderList | None = None) -> None:
    """Redirect the browser to another of these pages."""
    headers: HeaderList = [(b"location", path.encode()), (b"cache-control", b"no-store"), *(extra or [])]
    await send_response(send, 303, headers, b"")

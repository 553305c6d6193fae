"""HTML of `/web/form`: no script, one inline style, nothing from other sites."""

from typing import Any

from starlette.types import Send

from docstore_gateway.responses import HeaderList, send_response
from docstore_gateway.web.built_pages import PERMISSIONS, store_origin
from docstore_gateway.web.session import origin_of
from docstore_platform.errors import DomainError
from docstore_platform.http.client_origins import origins_or_public
from docstore_platform.http.problems import problem_of
from docstore_platform.languages import SOURCE
from docstore_platform.plain_page import STYLE_SOURCE
from docstore_platform.plain_page.translated import translated_pages
from docstore_platform.settings import InfraSettings

HTML = (b"content-type", b"text/html; charset=utf-8")


class FormPages:
    """Shows one of the template's states: log_in, choose, send, message."""

    def __init__(self, infra: InfraSettings) -> None:
        self._page = translated_pages("docstore_gateway.web", SOURCE, "pages").get_template("form.html")
        self._infra = infra
        self._headers: HeaderList = [
            HTML,
            (b"cache-control", b"no-store"),
            # Not stricter: browsers would send `Origin: null`, and nobody could tell that the form is ours.
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
        send: Send,
        state: str,
        title: str,
        error: DomainError | None = None,
        extra: HeaderList | None = None,
        **about: Any,
    ) -> None:
        """Respond with a page; with the status and text of an error, if there is one."""
        problem = problem_of(error) if error else None
        detail = problem.detail if problem else ""
        text = self._page.render(state=state, title=title, problem=detail, **about)
        wait = problem.headers.get("Retry-After") if problem else None
        headers = [*self._headers, (b"content-security-policy", self._policy()), *(extra or [])]
        headers += [(b"retry-after", wait.encode())] if wait else []
        await send_response(send, problem.status if problem else 200, headers, text.encode())


async def go_to(send: Send, path: str, extra: HeaderList | None = None) -> None:
    """Redirect the browser to another of these pages."""
    headers: HeaderList = [(b"location", path.encode()), (b"cache-control", b"no-store"), *(extra or [])]
    await send_response(send, 303, headers, b"")

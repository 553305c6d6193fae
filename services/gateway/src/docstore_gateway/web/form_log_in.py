"""Log-in and log-out without JavaScript, with the same cookies as the page with script.

The paths are below the session's path, so that the browser sends the refresh cookie to them.
"""

import secrets
from urllib.parse import parse_qs

import orjson

from docstore_gateway.web.form_pages import FormPages, go_to
from docstore_gateway.web.form_visit import Visit
from docstore_gateway.web.session import SESSION_PATH, Login, WebSessions, cookie_in
from docstore_platform.errors import DomainError
from docstore_platform.languages import N_

FORM_PATH = "/web/form"
LOG_IN_PATH = f"{SESSION_PATH}/form"
CHECKED = b"checked=1"
"""Query of a request after a refresh was tried."""
PAGE_SECONDS = 3600


class FormLogIn:
    """Log-in of the pages without script."""

    def __init__(self, web: WebSessions, pages: FormPages) -> None:
        self._web = web
        self._pages = pages

    @property
    def _cookie_name(self) -> str:
        return self._web.host_cookie("docstore_log_in")

    async def request_log_in(self, visit: Visit, upload_id: str = "") -> None:
        """Try a refresh, then show the log-in form; `upload_id`: the upload whose page was requested."""
        if CHECKED in visit.scope["query_string"]:
            await self._show(visit)
        else:
            await go_to(visit.send, LOG_IN_PATH + (f"?upload={upload_id}" if upload_id else ""))

    async def renew(self, visit: Visit) -> None:
        """Renew the session by the refresh cookie and return to the requested page."""
        wanted = parse_qs(visit.scope["query_string"].decode("latin-1")).get("upload", [""])[0]
        place = f"{FORM_PATH}/{wanted}" if wanted.isalnum() and wanted.isascii() else FORM_PATH
        cookies = []
        if cookie_in(visit.cookies, self._web.refresh_cookie) is not None:
            captured = await self._web.renew(visit.call, visit.scope, visit.receive, visit.cookies)
            ended = captured.status in (401, 403)
            cookies = self._web.forget() if ended else self._web.cookies_of(captured.json())
        await go_to(visit.send, f"{place}?{CHECKED.decode()}", cookies)

    async def log_in(self, visit: Visit) -> None:
        fields = await visit.fields()
        email = fields.get("email", "")
        try:
            known = cookie_in(visit.cookies, self._cookie_name) or secrets.token_hex(16)
            visit.require_csrf(fields, self._token(known))
            body = orjson.dumps({"email": email, "password": fields.get("password", ""), "device_name": "Plain page"})
            captured = await self._web.log_in(visit.call, visit.scope, visit.receive, body)
            tokens = captured.json()
        except DomainError as problem:
            await self._show(visit, problem, email)
            return
        await go_to(visit.send, FORM_PATH, [*self._web.cookies_of(tokens), self._cookie("", 0)])

    async def log_out(self, visit: Visit) -> None:
        """End the session, if need be by the refresh cookie, and delete the cookies."""
        login = await self._web.current(visit.cookies)
        if login is not None:
            visit.require_csrf(await visit.fields(), login.csrf_token)
        elif cookie_in(visit.cookies, self._web.refresh_cookie) is not None:
            renewed = await self._web.renew(visit.call, visit.scope, visit.receive, visit.cookies)
            login = Login(renewed.json()["access_token"], "") if renewed.status < 400 else None
        if login is not None:
            await self._web.end(visit.call, visit.scope, visit.receive, login.token)
        await go_to(visit.send, f"{FORM_PATH}?{CHECKED.decode()}", self._web.forget())

    async def _show(self, visit: Visit, problem: DomainError | None = None, email: str = "") -> None:
        known = cookie_in(visit.cookies, self._cookie_name) or secrets.token_hex(16)
        await self._pages.show(
            visit,
            "log_in",
            visit.text(N_("Log in to upload")),
            problem,
            [self._cookie(known, PAGE_SECONDS)],
            csrf=self._token(known),
            email=email,
            home=str(problem.extra.get("home", "")) if problem else "",
        )

    def _token(self, known: str) -> str:
        """Token that only a page of this browser can have, so that no other site can log a person in to another
        account.

        The space keeps it different from every session id.
        """
        return self._web.csrf_token(f"log in {known}")

    def _cookie(self, value: str, seconds: int) -> tuple[bytes, bytes]:
        return self._web.set_cookie(self._cookie_name, value, "/", seconds)

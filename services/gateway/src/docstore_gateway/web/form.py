"""Upload pages without JavaScript: `/web/form`, three plain pages and the store's own form.

The person logs in, names the target, which initiates an upload, and sends the file from that upload's page straight to
the store. The store redirects the browser to the upload's redirect page, which shows the result.

The name is entered before the file is chosen. S3's `${filename}` would put the browser's file name only into the key,
which is fixed here and contains no names; and invalid or existing names are reported before the bytes move.
"""

import re
import unicodedata
from typing import Any

from starlette.types import Receive, Scope, Send

from docstore_gateway.web.calls import Call
from docstore_gateway.web.form_log_in import FORM_PATH, LOG_IN_PATH, FormLogIn
from docstore_gateway.web.form_pages import FormPages, go_to, problem_text
from docstore_gateway.web.form_visit import Visit
from docstore_gateway.web.session import Login, WebSessions
from docstore_platform.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    OutOfSpace,
    not_found,
)
from docstore_platform.http.problems import problem_of
from docstore_platform.languages import N_
from docstore_platform.security.tokens import unauthorized

TAKEN: dict[str, dict[str, Any]] = {
    "version": {},
    "copy": {"base_version": 0, "on_conflict": "copy"},
    "fail": {"base_version": 0, "on_conflict": "fail"},
}
"""Options for an existing file of that name, with the upload API's values."""
CHOICES = (
    ("version", N_("save as a new version")),
    ("copy", N_("keep both files")),
    ("fail", N_("cancel the upload")),
)
_UPLOAD = re.compile(rf"{FORM_PATH}/([0-9a-f]{{32}})(/cancel)?", re.A)


def is_form(path: str) -> bool:
    """Whether a path below `/web/` is one of these pages."""
    return path.startswith((FORM_PATH, LOG_IN_PATH))


class WebForm:
    """The upload pages. `max_bytes`: the largest file they take."""

    def __init__(self, web: WebSessions, pages: FormPages, max_bytes: int) -> None:
        self._web = web
        self._pages = pages
        self._log_in = FormLogIn(web, pages)
        self._max_bytes = max_bytes

    async def serve(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; errors are shown as a page. `call` makes a public call for the browser."""
        visit = Visit(call, scope, receive, send, dict(reversed(scope["headers"])))
        upload = _UPLOAD.fullmatch(scope["path"])
        try:
            if scope["method"] != "GET":
                self._web.require_same_origin(visit.headers)
            if upload is not None:
                await self._of_upload(visit, scope["method"], upload[1], cancel=upload[2] is not None)
            else:
                await self._page(visit, (scope["method"], scope["path"]))
        except DomainError as problem:
            if problem_of(problem).status == 401:
                await self._log_in.request_log_in(visit, upload[1] if upload else "")
            else:
                title = visit.text(N_("Something went wrong"))
                await self._pages.show(visit, "message", title, problem, again=False, message="")

    async def _page(self, visit: Visit, route: tuple[str, str]) -> None:
        if route == ("GET", FORM_PATH):
            await self._choose(visit, await self._login(visit), {})
        elif route == ("POST", FORM_PATH):
            await self._begin(visit)
        elif route == ("GET", LOG_IN_PATH):
            await self._log_in.renew(visit)
        elif route == ("POST", LOG_IN_PATH):
            await self._log_in.log_in(visit)
        elif route == ("POST", f"{LOG_IN_PATH}/end"):
            await self._log_in.log_out(visit)
        else:
            raise not_found("page")

    async def _of_upload(self, visit: Visit, method: str, upload_id: str, *, cancel: bool) -> None:
        login = await self._login(visit)
        if method == "GET" and not cancel:
            await self._show(visit, login, upload_id)
        elif method == "POST" and cancel:
            visit.require_csrf(await visit.fields(), login.csrf_token)
            await visit.ask(login, "DELETE", f"/v1/uploads/{upload_id}")
            await go_to(visit.send, f"{FORM_PATH}/{upload_id}")
        else:
            raise not_found("page")

    async def _login(self, visit: Visit) -> Login:
        login = await self._web.current(visit.cookies)
        if login is None:
            raise unauthorized("You are not logged in.")
        return login

    async def _choose(
        self, visit: Visit, login: Login, fields: dict[str, str], problem: DomainError | None = None
    ) -> None:
        """Ask for the target; `fields` as entered before, if they were refused."""
        me = await visit.ask(login, "GET", "/v1/me")
        await self._pages.show(
            visit,
            "choose",
            visit.text(N_("Upload a file")),
            problem,
            csrf=login.csrf_token,
            email=me["email"],
            left=_free_bytes(me),
            limit=me["usage"]["limit"],
            given={"folder": "/", "name": "", "taken": "version"} | fields,
            choices=[(value, visit.text(text)) for value, text in CHOICES],
        )

    async def _begin(self, visit: Visit) -> None:
        login, fields = await self._login(visit), await visit.fields()
        visit.require_csrf(fields, login.csrf_token)
        try:
            upload = await self._upload(visit, login, fields)
        except (Forbidden, NotFound, Conflict, Invalid, OutOfSpace) as problem:
            await self._choose(visit, login, fields, problem)
            return
        await go_to(visit.send, f"{FORM_PATH}/{upload['id']}")

    async def _upload(self, visit: Visit, login: Login, fields: dict[str, str]) -> Any:
        """Initiate an upload that reserves at most what is left of the quota: more would be refused, and the person
        would get a mail about it."""
        path = _path(fields.get("folder", ""), fields.get("name", ""))
        left = _free_bytes(await visit.ask(login, "GET", "/v1/me"))
        if left <= 0:
            raise OutOfSpace(
                N_("Your storage is full or reserved for other uploads. Delete files permanently, or wait.")
            )
        request = {"path": path, "method": "form", "max_size": min(self._max_bytes, left)}
        return await visit.ask(login, "POST", "/v1/uploads", request | TAKEN.get(fields.get("taken", ""), {}))

    async def _show(self, visit: Visit, login: Login, upload_id: str) -> None:
        """Show the store's form while it can be sent; then the result."""
        upload = await visit.ask(login, "GET", f"/v1/uploads/{upload_id}")
        if "form" in upload:
            await self._pages.show(
                visit,
                "send",
                visit.text(N_("Choose a file")),
                csrf=login.csrf_token,
                upload_id=upload_id,
                path=upload["path"],
                form=upload["form"],
                most=upload.get("max_size", upload["size"]),
                until=upload["expires_at"][11:16],
            )
        else:
            title, message = _outcome(visit, upload)
            await self._pages.show(visit, "message", title, message=message, again=upload["state"] == "uploading")


def _outcome(visit: Visit, upload: dict[str, Any]) -> tuple[str, str]:
    """Return title and text for an upload that is no longer open."""
    text = visit.text
    match upload["state"]:
        case "completed":
            return text(N_("Upload complete")), text(N_("Saved as %(path)s."), path=upload["file"]["path"])
        case "expired":
            return text(N_("This form has expired")), text(N_("No file arrived in time. Start a new upload."))
        case "aborted" if "problem" in upload:
            return text(N_("Upload failed")), problem_text(visit, upload["problem"])
        case "aborted":
            return text(N_("Upload cancelled")), text(N_("Nothing was stored."))
        case _:
            return text(N_("Processing")), text(N_("The file has arrived and is being verified."))


def _path(folder: str, name: str) -> str:
    """Return the path of a name in a folder. Metadata checks the other rules."""
    name = unicodedata.normalize("NFC", name.strip())
    if not name:
        raise Invalid(N_("Enter a file name."), code="invalid_path")
    if "/" in name:
        detail = N_("A file name can't contain “/”. Enter the folder in its own field.")
        raise Invalid(detail, code="invalid_path")
    parts = [part for part in unicodedata.normalize("NFC", folder.strip()).split("/") if part]
    return "/" + "/".join([*parts, name])


def _free_bytes(me: dict[str, Any]) -> int:
    usage = me["usage"]
    return max(0, int(usage["limit"]) - int(usage["used"]) - int(usage["reserved"]))

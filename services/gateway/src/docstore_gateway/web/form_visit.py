"""One request to the pages without JavaScript, and the public calls made for it."""

import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.types import Receive, Scope, Send

from docstore_gateway.web.calls import Call, public_call
from docstore_gateway.web.session import Login
from docstore_platform.errors import Forbidden, Invalid
from docstore_platform.http.body_limits import read_body
from docstore_platform.languages import N_, accepted_language, translations

PACKAGE = "docstore_gateway.web"
"""Has the templates and texts."""
MAX_FORM_BYTES = 64 * 1024
MAX_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a browser, with public calls on its behalf."""

    call: Call
    scope: Scope
    receive: Receive
    send: Send
    headers: dict[bytes, bytes]

    @property
    def language(self) -> str:
        """What the browser prefers of our languages."""
        return accepted_language(self.headers.get(b"accept-language", b"").decode("latin-1"))

    def text(self, text: str, **values: str) -> str:
        """Translate a text; an empty one stays so."""
        translated = translations(PACKAGE, self.language).gettext(text) if text else ""
        return translated % values if values else translated

    @property
    def cookies(self) -> bytes | None:
        return self.headers.get(b"cookie")

    async def fields(self) -> dict[str, str]:
        """Return the form fields, the first of each name; 422 if it is no form."""
        body = await read_body(self.receive, MAX_FORM_BYTES)
        try:
            found = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            raise Invalid(N_("This is not one of our forms.")) from None
        return {name: values[0] for name, values in found.items()}

    async def ask(self, login: Login, method: str, path: str, body: Any = None) -> Any:
        """Make an API call for a logged-in person; DomainError if it fails."""
        content = b"" if body is None else orjson.dumps(body)
        captured = await public_call(self.call, self.scope, self.receive, method, path, content, token=login.token)
        return captured.json()

    def require_csrf(self, fields: dict[str, str], wanted: str) -> None:
        """403 for a form that was given to another browser or log-in."""
        if not hmac.compare_digest(fields.get("csrf", "").encode("utf-8", "replace"), wanted.encode()):
            raise Forbidden(N_("This page is outdated or belongs to another session. Reload it."), code="csrf")

"""Scripts of the pages of links by which visitors send files, each allowed by its hash."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from io import BytesIO

from babel.messages.extract import extract
from markupsafe import Markup

TEMPLATES = files(__package__) / "templates"
SENDING, RECEIVE, EDIT = ((TEMPLATES / f"{name}.js").read_text("utf-8") for name in ("sending", "receive", "edit"))


class Script:
    """The one script of a page, which sends files to `store`, an origin."""

    def __init__(self, own: str, store: str) -> None:
        self.text = Markup(SENDING + own)
        self.texts = texts_of(self.text)
        digest = base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()
        self.policy = f"; script-src 'sha256-{digest}'; connect-src 'self' {store}"


@cache
def texts_of(script: str) -> tuple[str, ...]:
    """The texts that a script shows, which the page gives it in the visitor's language."""
    return tuple(str(text) for _, text, _, _ in extract("javascript", BytesIO(script.encode())))

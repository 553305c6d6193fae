"""Renders the pages of public links in the visitor's language: one template, a strict content policy for each page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

import segno
from fastapi import Depends, Query
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from docstore_metadata.display_names import DisplayNames
from docstore_metadata.errors import ContentArchived, LinkPassword, WatermarkedOnly
from docstore_metadata.links.pages.icons import kind_of
from docstore_metadata.links.pages.scripts import Script
from docstore_metadata.links.visits.previews import PagePreviews
from docstore_platform.errors import DomainError, TooMany
from docstore_platform.http.problems import problem_of
from docstore_platform.languages import N_, SOURCE, translations
from docstore_platform.plain_page import STYLE_SOURCE
from docstore_platform.plain_page.translated import language_headers, translated_pages
from docstore_platform.plain_page.visitor_language import VisitorLanguage

PACKAGE = "docstore_metadata.links"
GONE = N_("This link has expired, or it doesn't exist. Ask the person who shared it with you for a new one.")
ARCHIVED = N_(
    "This file has not been opened for a long time, so it was moved to cold storage. Ask its owner to retrieve it."
)
NO_ZIP = {
    "too_few_downloads_left": N_("The link allows fewer downloads than there are files: download some one by one."),
    "too_many_files": N_("There are too many files and folders for a ZIP: download the folders in it one by one."),
    "too_many_zips": N_("Several ZIPs are being downloaded already. Wait until one is complete."),
}
"""Why there is no ZIP, by code, in other languages than the server's own words."""
LATER = N_("Try again later.")
HEADERS = {"cache-control": "private, no-store", "x-robots-tag": "noindex, nofollow"}
POLICY = f"default-src 'none'; style-src {STYLE_SOURCE}; form-action 'self'; base-uri 'none'"
NOTHING = dict.fromkeys(
    ("shared_by", "download", "note", "previous", "following", "up", "edit", "whole", "zip", "more", "address"), ""
)
"""What only some pages have."""
Text = Annotated[str, Query(max_length=4096)]


@dataclass(frozen=True, slots=True)
class Shown:
    """Sources of preview pictures and names."""

    previews: PagePreviews
    names: DisplayNames
    store_origin: Callable[[], str]
    """Where the present visitor sends files to: it may differ from one to the next."""
    public_url: str
    """Where people reach the pages."""


def qr_code(address: str) -> Markup:
    """The QR code of an address, as an SVG element."""
    code = segno.make_qr(address).svg_inline(scale=4, border=4, light="#fff", omitsize=True)
    return Markup(code)


def href_of(token: str, what: str = "", **query: str) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"/l/{quote(token, safe='')}{what}" + (f"?{urlencode(given)}" if given else "")


class LinkPages:
    """The pages in a language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._gettext = translations(PACKAGE, language).gettext
        environment = translated_pages(PACKAGE, language, "pages/templates").overlay()
        environment.filters = environment.filters | {"kind": kind_of, "qr": qr_code}
        self._template = environment.get_template("link.html")

    def text(self, text: str, **values: str) -> str:
        """Translate a text; an empty one stays so."""
        translated = self._gettext(text) if text else ""
        return translated % values if values else translated

    def refused(self, error: DomainError, token: str) -> Response:
        problem = problem_of(error)
        if isinstance(error, WatermarkedOnly):
            return self._message(N_("No download"), error, N_("Pictures with a watermark can't be downloaded."))
        if isinstance(error, LinkPassword):
            wrong = error.extra["reason"] == "wrong"
            return self.password_form(token, problem.status, N_("That is not the password.") if wrong else "")
        if isinstance(error, ContentArchived):
            return self.rendered(
                "message", self.text(N_("In cold storage")), problem.status, message=self.text(ARCHIVED)
            )
        if problem.code in NO_ZIP:
            return self._message(N_("No ZIP"), error, NO_ZIP[problem.code])
        if problem.status < 429:
            return self.rendered("message", self.text(N_("Link not found")), 404, message=self.text(GONE))
        title = N_("Please wait") if isinstance(error, TooMany) else N_("Not available just now")
        response = self._message(title, error, LATER)
        response.headers.update(problem.headers)
        return response

    def password_form(self, token: str, status: int = 200, message: str = "") -> Response:
        return self.rendered(
            "password", self.text(N_("Password needed")), status, message=self.text(message), here=href_of(token)
        )

    def rendered(
        self,
        state: str,
        title: str,
        status: int = 200,
        pictures: Iterable[str] = (),
        frame: str = "",
        script: Script | None = None,
        ancestors: str = "'none'",
        **about: Any,
    ) -> Response:
        about = {"downloads_left": None, "expires_at": None, "frame": frame, **NOTHING, **about}
        policy = f"{POLICY}; frame-ancestors {ancestors}" + _sources(pictures, has_frame=bool(frame))
        if script:
            policy += script.policy
            about |= {"script": script.text, "texts": {text: self.text(text) for text in script.texts}}
        html = self._template.render(state=state, title=title, **about)
        headers = HEADERS | language_headers(self._language) | {"content-security-policy": policy}
        return HTMLResponse(html, status, headers)

    def _message(self, title: str, error: DomainError, translated: str) -> Response:
        """In English the server's own words, which know more."""
        problem = problem_of(error)
        message = problem.detail if self._language == SOURCE else self.text(translated)
        return self.rendered("message", self.text(title), problem.status, message=message)


@cache
def link_pages(language: str) -> LinkPages:
    return LinkPages(language)


def _pages(language: VisitorLanguage) -> LinkPages:
    return link_pages(language)


Pages = Annotated[LinkPages, Depends(_pages)]


def _sources(pictures: Iterable[str], *, has_frame: bool) -> str:
    """The part of a content policy that allows images from the origins of these pictures only, and our own frame."""
    origins = sorted({f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, pictures)})
    images = f"; img-src {' '.join(origins)}" if origins else ""
    return f"{images}; frame-src 'self'" if has_frame else images

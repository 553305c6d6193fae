"""The HTML page of a public link, without scripts and cookies. It loads only previews, from the object store.

The password form is sent to its own origin. There is no login, and so nothing to forge.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Template

from docstore_metadata.display_names import DisplayNames
from docstore_metadata.downloads.delivery import Delivery
from docstore_metadata.errors import ContentArchived, LinkPassword, WatermarkedOnly
from docstore_metadata.links.api import Address, deliver
from docstore_metadata.links.icons import PAGED, kind_of
from docstore_metadata.links.previews import PagePreviews
from docstore_metadata.links.rules import Link
from docstore_metadata.links.schemas import MAX_PASSWORD_CHARS
from docstore_metadata.links.visits import LinkVisits, Visit
from docstore_metadata.paging import DEFAULT_LIMIT
from docstore_metadata.tree.rules import Node
from docstore_platform.errors import DomainError, TooMany
from docstore_platform.http.problems import problem_of
from docstore_platform.plain_page import STYLE_SOURCE, plain_pages

MAX_FORM_BYTES = 4096
GONE = "This link does not exist, or no longer leads anywhere. Ask whoever gave it to you for another."
ARCHIVED = "Nobody has read this file for a long time, so it was moved to cold storage. Ask its owner to retrieve it."
HEADERS = {"cache-control": "private, no-store", "x-robots-tag": "noindex, nofollow"}
POLICY = f"default-src 'none'; style-src {STYLE_SOURCE}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
Text = Annotated[str, Query(max_length=4096)]


@dataclass(frozen=True, slots=True)
class Shown:
    """Sources of preview pictures and names."""

    previews: PagePreviews
    names: DisplayNames


def shown_day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


def _template() -> Template:
    pages = plain_pages("docstore_metadata.links")
    pages.filters["day"] = shown_day
    pages.filters["kind"] = kind_of
    return pages.get_template("link.html")


PAGE = _template()


def page_router(visits: LinkVisits, delivery: Delivery, previews: PagePreviews, names: DisplayNames) -> APIRouter:
    """The pages of public links."""
    router = APIRouter(prefix="/l", include_in_schema=False)
    shows = Shown(previews, names)

    @router.get("/{token}")
    async def show_link(
        token: str,
        address: Address,
        folder: Text = "",
        after: Text = "",
        grant: Text = "",
        file: Text = "",
        page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    ) -> Response:
        """The link's target, or a form for its password. The first visit counts as an open.

        `file` and `page`: a file in the linked folder, and a page of it; only of a link with a watermark.
        """
        try:
            if folder or after or grant or file or page > 1:
                visit = await visits.revisit(token, grant)
                if visit.link.watermark is not None and (file or page > 1):
                    return await _view(visits, shows, visit, token, file, page)
                return await _page_of(visits, shows, visit, token, folder, after)
            if await visits.has_password(token):
                return _password_form(token)
            return await _page_of(visits, shows, await visits.open(token, None, address), token)
        except DomainError as error:
            return _refused(error, token)

    @router.post("/{token}")
    async def open_with_password(token: str, request: Request, address: Address) -> Response:
        """The same with the password."""
        try:
            password = await _password_in(request)
            return await _page_of(visits, shows, await visits.open(token, password, address), token)
        except DomainError as error:
            return _refused(error, token)

    @router.get("/{token}/download")
    async def download(token: str, request: Request, file: Text = "", grant: Text = "") -> Response:
        """The content. Counts as a download."""
        try:
            return await deliver(request, visits, delivery, await visits.revisit(token, grant), file or None)
        except DomainError as error:
            return _refused(error, token)

    return router


async def _password_in(request: Request) -> str:
    """The password in the form; empty if the form is too long or malformed."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            return ""
    try:
        fields = parse_qs(body.decode("latin-1"), max_num_fields=10)
    except ValueError:
        return ""
    return fields.get("password", [""])[0][:MAX_PASSWORD_CHARS]


async def _view(
    visits: LinkVisits, shows: Shown, visit: Visit, token: str, file_id: str = "", number: int = 1
) -> Response:
    """A page of a file, with the watermark of the link."""
    file = await visits.file(visit, file_id or None)
    url, note = await shows.previews.shown(visit.link, file, number)
    here = {"file": file_id, "grant": _grant(visit)}
    is_paged = kind_of(file) in PAGED
    return _page(
        "file",
        file.name,
        pictures={file.id: url} if url else None,
        file=file,
        picture=url,
        note=note,
        number=number if is_paged else 0,
        previous=_href(token, page=str(number - 1), **here) if number > 1 else "",
        following=_href(token, page=str(number + 1), **here) if url and is_paged else "",
        up=_href(token, folder=file.parent_id or "", grant=_grant(visit)) if file.id != visit.place.node.id else "",
        **await _about(shows, visit.link),
    )


def _grant(visit: Visit) -> str:
    """The proof that following pages need."""
    return visit.grant if visit.link.password_hash is not None else ""


async def _about(shows: Shown, link: Link) -> dict[str, Any]:
    shared_by = (await shows.names.of([link.owner_id])).get(link.owner_id, "")
    return {"downloads_left": link.downloads_left, "expires_at": link.expires_at, "shared_by": shared_by}


async def _page_of(
    visits: LinkVisits, shows: Shown, visit: Visit, token: str, folder: str = "", after: str = ""
) -> Response:
    link, top, grant = visit.link, visit.place.node, _grant(visit)
    if not top.is_folder and link.watermark is not None:
        return await _view(visits, shows, visit, token)
    about = await _about(shows, link)
    if not top.is_folder:
        pictures = await shows.previews.urls(link, [top], "large")
        return _page(
            "file",
            top.name,
            pictures=pictures,
            file=top,
            picture=pictures.get(top.id, ""),
            download=_href(token, "/download", grant=grant),
            **about,
        )
    page = await visits.page(visit, folder or None, after, DEFAULT_LIMIT)
    more = _href(token, folder=page.folder.id, after=page.next_cursor, grant=grant) if page.next_cursor else ""
    pictures = await shows.previews.urls(link, page.items, "small")
    return _page(
        "folder",
        page.folder.name,
        pictures=pictures,
        items=[_item(node, pictures, token, grant, link) for node in page.items],
        watermarked=link.watermark is not None,
        more=more,
        up=_href(token, folder=top.id, grant=grant) if page.folder.id != top.id else "",
        top=top,
        **about,
    )


def _item(node: Node, pictures: Mapping[str, str], token: str, grant: str, link: Link) -> dict[str, Any]:
    return {"node": node, "href": _item_href(node, token, grant, link), "picture": pictures.get(node.id, "")}


def _item_href(node: Node, token: str, grant: str, link: Link) -> str:
    if node.is_folder:
        return _href(token, folder=node.id, grant=grant)
    if link.watermark is not None:
        return _href(token, file=node.id, grant=grant)
    return _href(token, "/download", file=node.id, grant=grant)


def _href(token: str, what: str = "", **query: str) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"/l/{quote(token, safe='')}{what}" + (f"?{urlencode(given)}" if given else "")


def _refused(error: DomainError, token: str) -> Response:
    problem = problem_of(error)
    if isinstance(error, WatermarkedOnly):
        return _page("message", "No download", problem.status, message=error.detail)
    if isinstance(error, LinkPassword):
        wrong = error.extra["reason"] == "wrong"
        return _password_form(token, problem.status, "That is not the password." if wrong else "")
    if isinstance(error, ContentArchived):
        return _page("message", "In cold storage", problem.status, message=ARCHIVED)
    if problem.status < 429:
        return _page("message", "Nothing here", 404, message=GONE)
    title = "Please wait" if isinstance(error, TooMany) else "Not available just now"
    response = _page("message", title, problem.status, message=error.detail)
    response.headers.update(problem.headers)
    return response


def _password_form(token: str, status: int = 200, message: str = "") -> Response:
    return _page("password", "Password needed", status, message=message, here=_href(token))


def _page(
    state: str, title: str, status: int = 200, pictures: Mapping[str, str] | None = None, **about: Any
) -> Response:
    nothing = dict.fromkeys(("shared_by", "download", "note", "previous", "following", "up"), "")
    about = {"downloads_left": None, "expires_at": None, **nothing, **about}
    policy = {"content-security-policy": _policy((pictures or {}).values())}
    return HTMLResponse(PAGE.render(state=state, title=title, **about), status, HEADERS | policy)


def _policy(pictures: Iterable[str]) -> str:
    """Content security policy that allows images only from the origins of these pictures."""
    origins = sorted({f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, pictures)})
    return f"{POLICY}; img-src {' '.join(origins)}" if origins else POLICY

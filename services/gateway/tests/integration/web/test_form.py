"""Pages without script: accepted senders, calls of services, and messages."""

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from gateway_calls import Caller, FakeService, Issuer, OpenGateway, Reply, Request
from plain_browser import PlainPage

from docstore_platform.http.problems import Problem
from docstore_platform.mongodb.client import Mongo
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

UPLOAD = "0" * 31 + "7"
FORM = {
    "content-type": "application/x-www-form-urlencoded",
    "origin": "http://127.0.0.1:8080",
    "host": "127.0.0.1:8080",
    "sec-fetch-site": "same-origin",
}
FOREIGN = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
]


class Site:
    """A browser in front of a gateway, and Ann's account behind it."""

    def __init__(self, gateway: Caller, service: FakeService, issuer: Issuer) -> None:
        self.gateway = gateway
        self.service = service
        self.issuer = issuer
        self.cookies: dict[str, str] = {}
        self.usage = {"used": 100, "reserved": 50, "limit": 1000, "over_quota": False}
        self.token_seconds = 300.0
        self.problems: dict[str, Problem] = {}
        """By method and path: what the services answer instead."""
        form = {"url": "http://s3.example/bucket", "fields": {"key": "k", "policy": "<p>"}}
        self.upload: dict[str, Any] = {
            "id": UPLOAD,
            "state": "initiated",
            "method": "form",
            "path": "/a <b>.txt",
            "size": None,
            "max_size": 850,
            "expires_at": "2026-11-21T16:30:00Z",
            "form": form,
        }
        service.behave = self._behave

    async def _behave(self, request: Request) -> Reply:
        reply = Reply()
        route = f"{request.method} {request.path}"
        account = {"id": "ann", "email": "ann@example.org", "usage": self.usage}
        tokens = {
            "access_token": self.issuer.token("ann", seconds=self.token_seconds),
            "refresh_token": "r1",
            "expires_in": 600,
            "account": account,
        }
        answers: dict[str, Any] = {
            "POST /v1/sessions": tokens,
            "POST /v1/sessions/refresh": tokens,
            "GET /v1/me": account,
            "POST /v1/uploads": self.upload,
            f"GET /v1/uploads/{UPLOAD}": self.upload,
        }
        if route in self.problems:
            reply.status, reply.body = self.problems[route].status, orjson.dumps(self.problems[route].body())
        else:
            reply.body = orjson.dumps(answers.get(route, {}))
        return reply

    @property
    def requested(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.service.requests]

    async def call(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Any:
        if self.cookies:
            headers = {**headers, "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        answer = await self.gateway.call(method, path, headers, body)
        for name, value in answer.headers:
            if name == "set-cookie":
                cookie, _, kept = value.partition(";")[0].partition("=")
                self.cookies = {**self.cookies, cookie: kept} if kept else self._without(cookie)
        return answer

    def _without(self, cookie: str) -> dict[str, str]:
        return {name: value for name, value in self.cookies.items() if name != cookie}

    async def open(self, path: str = "/web/form?checked=1", **headers: str) -> tuple[Any, PlainPage]:
        answer = await self.call("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})
        return answer, PlainPage(answer.body.decode())

    async def send(self, path: str, fields: dict[str, str], **changed: str) -> tuple[Any, PlainPage]:
        headers = FORM | {name.replace("_", "-"): value for name, value in changed.items()}
        answer = await self.call("POST", path, headers, urlencode(fields).encode())
        return answer, PlainPage(answer.body.decode())

    async def log_in(self) -> Any:
        _, page = await self.open()
        fields = page.form("/web/session/form").fields | {"email": "ann@example.org", "password": "secret"}
        return (await self.send("/web/session/form", fields))[0]

    async def filled_in(self, **fields: str) -> dict[str, str]:
        _, page = await self.open("/web/form")
        return page.form("/web/form").fields | {"name": "a.txt"} | fields


@pytest.fixture
def site(gateway: Caller, service: FakeService, issuer: Issuer) -> Site:
    return Site(gateway, service, issuer)


async def test_logging_in_sets_the_cookies_of_the_page(site: Site) -> None:
    """The same two cookies as the page with script has; then the form asks where the file goes."""
    answer = await site.log_in()
    assert (answer.status, answer.header("location")) == (303, "/web/form")
    assert set(site.cookies) == {"docstore_access", "docstore_refresh"}
    assert orjson.loads(site.service.requests[-1].body)["email"] == "ann@example.org"
    answer, page = await site.open("/web/form")
    assert answer.status == 200
    assert "850 bytes of 1 KB are free" in page.text
    assert site.requested[-1] == "GET /v1/me"


async def test_pages_are_plain(site: Site) -> None:
    """No script, no style but the one named by its hash, every field with a label, nothing kept in caches."""
    pages = [await site.open()]
    await site.log_in()
    pages += [await site.open("/web/form"), await site.open(f"/web/form/{UPLOAD}")]
    for answer, page in pages:
        assert page.scripts == 0
        policy = answer.header("content-security-policy")
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert "http://127.0.0.1:8080" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.header("cache-control") == "no-store"
        assert answer.header("referrer-policy") == "same-origin"
        for form in page.forms:
            assert form.labelled == form.fields.keys() | form.files
    assert PlainPage(pages[-1][0].body.decode()).form("s3.example/bucket").fields == {"key": "k", "policy": "<p>"}
    assert "/a <b>.txt" in pages[-1][1].text


async def test_the_upload_is_initiated_as_filled_in(site: Site) -> None:
    """A path out of folder and name, room for what is left at most, and the rule for a name that is taken."""
    await site.log_in()
    for fields, path, rule in (
        ({"folder": "letters//2026/", "name": "Cafe\u0301.txt"}, "/letters/2026/Café.txt", {}),
        ({"folder": "/", "taken": "copy"}, "/a.txt", {"base_version": 0, "on_conflict": "copy"}),
        ({"folder": "", "taken": "fail"}, "/a.txt", {"base_version": 0, "on_conflict": "fail"}),
    ):
        answer, _ = await site.send("/web/form", await site.filled_in(**fields))
        assert (answer.status, answer.header("location")) == (303, f"/web/form/{UPLOAD}")
        assert orjson.loads(site.service.requests[-1].body) == {
            "path": path,
            "method": "form",
            "max_size": 850,
            **rule,
        }


async def test_a_large_quota_is_not_kept_for_one_form(
    open_gateway: OpenGateway, service: FakeService, issuer: Issuer
) -> None:
    """No more than the setting allows."""
    async with open_gateway(form_bytes=300) as gateway:
        site = Site(gateway, service, issuer)
        await site.log_in()
        await site.send("/web/form", await site.filled_in())
    assert orjson.loads(service.requests[-1].body)["max_size"] == 300


@pytest.mark.parametrize("foreign", FOREIGN)
async def test_no_other_site_sends_these_forms(site: Site, foreign: dict[str, str]) -> None:
    """Log in, log out, begin, give up: refused if the browser reports that another page made the call."""
    await site.log_in()
    fields, made = await site.filled_in(), len(site.requested)
    changed = {name.replace("-", "_"): value for name, value in foreign.items()}
    for path in ("/web/session/form", "/web/session/form/end", "/web/form", f"/web/form/{UPLOAD}/cancel"):
        answer, page = await site.send(path, fields, **changed)
        assert answer.status == 403
        assert "Only pages of this site" in page.text
    assert len(site.requested) == made


async def test_forms_need_the_token_of_their_page(site: Site) -> None:
    """Without it or with another: 403, and nothing is asked of a service but what the page shows."""
    _, page = await site.open()
    login = page.form("/web/session/form").fields | {"email": "ann@example.org", "password": "secret"}
    site.cookies = {}
    answer, again = await site.send("/web/session/form", login)
    assert (answer.status, again.form("/web/session/form").fields["email"]) == (403, "ann@example.org")
    site.cookies = {"docstore_log_in": "somebody else's"}
    assert (await site.send("/web/session/form", login))[0].status == 403
    assert "POST /v1/sessions" not in site.requested
    site.cookies = {}
    await site.log_in()
    fields = await site.filled_in()
    for path in ("/web/session/form/end", "/web/form", f"/web/form/{UPLOAD}/cancel"):
        for csrf in ("", login["csrf"], fields["csrf"][::-1]):
            assert (await site.send(path, fields | {"csrf": csrf}))[0].status == 403
    assert not {"POST /v1/uploads", f"DELETE /v1/uploads/{UPLOAD}", "DELETE /v1/sessions/current"} & set(site.requested)
    assert (await site.send(f"/web/form/{UPLOAD}/cancel", fields))[0].status == 303
    assert site.requested[-1] == f"DELETE /v1/uploads/{UPLOAD}"


async def test_an_expired_log_in_is_renewed_and_goes_on(site: Site) -> None:
    """The refresh cookie leads back to the page that was asked for; where it is worth nothing, to the form."""
    await site.log_in()
    del site.cookies["docstore_access"]
    answer, _ = await site.open(f"/web/form/{UPLOAD}")
    assert (answer.status, answer.header("location")) == (303, f"/web/session/form?upload={UPLOAD}")
    answer, _ = await site.open(answer.header("location"))
    assert answer.header("location") == f"/web/form/{UPLOAD}?checked=1"
    assert site.requested[-1] == "POST /v1/sessions/refresh"
    answer, page = await site.open(answer.header("location"))
    assert (answer.status, "Choose a file" in page.text) == (200, True)
    site.cookies = {"docstore_refresh": "r0"}
    site.problems["POST /v1/sessions/refresh"] = Problem(401, "unauthorized", "It has ended.")
    answer, _ = await site.open("/web/session/form?upload=//evil.example")
    assert answer.header("location") == "/web/form?checked=1"
    assert site.cookies == {}
    answer, page = await site.open(answer.header("location"))
    assert (answer.status, "Log in to upload" in page.text) == (200, True)


async def test_a_log_in_that_is_refused_everywhere_ends_at_the_form(site: Site) -> None:
    """Accounts that answers 401 to a fresh token leads to no endless chain of redirects."""
    await site.log_in()
    site.problems["GET /v1/me"] = Problem(401, "unauthorized", "Ended.")
    answer, page = await site.open("/web/form?checked=1")
    assert (answer.status, "Log in to upload" in page.text) == (200, True)


@pytest.mark.parametrize(
    ("fields", "problem", "status", "words"),
    [
        ({"name": " "}, None, 422, "Enter a file name."),
        ({"name": "a/b"}, None, 422, "can't contain"),
        ({}, Problem(422, "invalid_path", "A name has no control characters."), 422, "no control characters"),
        ({}, Problem(507, "over_quota", "850 bytes don't fit."), 507, "don't fit"),
        ({}, Problem(409, "version_conflict", "The base is stale."), 409, "A file with this name already exists."),
    ],
)
async def test_refusals_are_shown_above_the_filled_in_form(
    site: Site, fields: dict[str, str], problem: Problem | None, status: int, words: str
) -> None:
    """In words, as an alert, and nothing has to be typed again."""
    await site.log_in()
    if problem is not None:
        site.problems["POST /v1/uploads"] = problem
    filled = await site.filled_in(folder="/letters", taken="fail", **fields)
    answer, page = await site.send("/web/form", filled)
    assert (answer.status, words in page.text, b'role="alert"' in answer.body) == (status, True, True)
    shown = page.form("/web/form").fields
    assert (shown["folder"], shown["taken"]) == ("/letters", "fail")


@pytest.mark.parametrize(
    ("languages", "tag", "log_in", "choose", "refused"),
    [
        ("de-AT, en;q=0.5", "de", "Zum Hochladen anmelden", "850 Byte von 1 KB sind frei", "nicht genug Speicherplatz"),
        ("es", "es", "Inicia sesión para subir", "850 bytes de 1 KB libres", "No hay suficiente almacenamiento"),
        ("fr, zh-CN;q=0.3", "zh-Hans", "登录以上传文件", "可用空间 850", "存储空间不足"),
        ("fr", "en", "Log in to upload", "850 bytes of 1 KB are free", "850 bytes don't fit"),
    ],
)
async def test_pages_are_in_the_language_of_the_browser(
    site: Site, languages: str, tag: str, log_in: str, choose: str, refused: str
) -> None:
    """As their headers say to browsers and caches; errors of services too, by their codes."""
    answer, page = await site.open(accept_language=languages)
    assert (answer.header("content-language"), answer.header("vary")) == (tag, "accept-language")
    assert log_in in page.text
    await site.log_in()
    _, page = await site.open("/web/form", accept_language=languages)
    assert choose in page.text
    site.problems["POST /v1/uploads"] = Problem(507, "over_quota", "850 bytes don't fit.")
    _, page = await site.send("/web/form", await site.filled_in(), accept_language=languages)
    assert refused in page.text


async def test_refusals_of_the_pages_themselves_are_translated(site: Site) -> None:
    """More exactly than by their code, which others have too."""
    await site.log_in()
    _, page = await site.send("/web/form", await site.filled_in(name="a/b"), accept_language="de")
    assert "Ein Dateiname darf kein „/“ enthalten." in page.text


async def test_a_full_storage_is_shown_before_the_form(site: Site) -> None:
    """Nothing left: no upload is initiated, for which quota would have sent a mail."""
    await site.log_in()
    site.usage["reserved"] = 900
    answer, page = await site.send("/web/form", await site.filled_in())
    assert (answer.status, "Your storage is full" in page.text) == (507, True)
    assert "POST /v1/uploads" not in site.requested


@pytest.mark.parametrize(
    ("state", "more", "words"),
    [
        ("completed", {"file": {"path": "/a.txt"}}, "Saved as /a.txt."),
        ("expired", {}, "has expired"),
        ("aborted", {}, "Upload cancelled"),
        ("aborted", {"problem": {"code": "target_gone", "detail": "The target is gone."}}, "The target is gone."),
        ("uploading", {}, "Refresh"),
    ],
)
async def test_the_page_shows_the_outcome_of_an_upload(site: Site, state: str, more: Any, words: str) -> None:
    """Whatever has become of it."""
    await site.log_in()
    del site.upload["form"]
    site.upload |= {"state": state, **more}
    answer, page = await site.open(f"/web/form/{UPLOAD}")
    assert (answer.status, words in page.text) == (200, True)


async def test_services_that_are_down_are_explained(site: Site) -> None:
    """A page with the status and when to try again, also where no page is."""
    await site.log_in()
    site.problems["GET /v1/me"] = Problem(503, "unavailable", "The accounts service can't be reached just now.")
    answer, page = await site.open("/web/form")
    assert (answer.status, "can't be reached" in page.text) == (503, True)
    for path in ("/web/form/7", "/web/form/", "/web/formula"):
        answer, page = await site.open(path)
        assert (answer.status, answer.header("content-type")) == (404, "text/html; charset=utf-8")


async def test_log_ins_by_form_are_limited(open_gateway: OpenGateway, service: FakeService, issuer: Issuer) -> None:
    """They count as log-ins, and the refusal contains when to try again."""
    async with open_gateway(log_in_per_minute=1) as gateway:
        site = Site(gateway, service, issuer)
        for _ in range(3):
            site.cookies = {}
            answer = await site.log_in()
    assert answer.status == 429
    assert answer.header("retry-after")


async def test_calls_made_for_a_page_are_published(site: Site, infra: InfraSettings) -> None:
    """The audit log has the log-in and the upload as if the page had called the API itself, refused ones too."""
    await site.log_in()
    site.problems["POST /v1/uploads"] = Problem(422, "invalid_path", "No.")
    await site.send("/web/form", await site.filled_in())
    del site.problems["POST /v1/uploads"]
    await site.send("/web/form", await site.filled_in())
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    outbox = mongo.database(f"{infra.database_prefix}gateway")["outbox"]
    recorded: list[tuple[str, str, int, str]] = []

    async def all_published() -> bool:
        rows = await outbox.find().sort("_id", 1).to_list(None)
        calls = [call for row in rows for call in orjson.loads(row["value"])["calls"]]
        recorded[:] = [(call["method"], call["path"], call["status"], call["account_id"]) for call in calls]
        return len(recorded) == 3

    await eventually(all_published)
    mongo.close()
    assert recorded[0][:3] == ("POST", "/v1/sessions", 200)
    assert recorded[1:] == [("POST", "/v1/uploads", 422, "ann"), ("POST", "/v1/uploads", 200, "ann")]


async def test_logging_out_ends_the_session(site: Site) -> None:
    """There and here; with an access token that has ended, by the refresh cookie."""
    await site.log_in()
    fields = await site.filled_in()
    answer, _ = await site.send("/web/session/form/end", fields)
    assert (answer.status, site.requested[-1], site.cookies) == (303, "DELETE /v1/sessions/current", {})
    await site.log_in()
    del site.cookies["docstore_access"]
    await site.send("/web/session/form/end", fields)
    assert site.requested[-2:] == ["POST /v1/sessions/refresh", "DELETE /v1/sessions/current"]
    assert site.cookies == {}

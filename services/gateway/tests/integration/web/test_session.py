"""The web page's log-in: tokens in cookies, and calls that only the page itself can make."""

from pathlib import Path

import orjson
import pytest
from gateway_calls import Caller, FakeService, Issuer, OpenGateway, Received, Reply, Request

from docstore_gateway.settings import GatewaySettings
from docstore_platform.settings import InfraSettings

pytestmark = pytest.mark.connected

JSON = {"content-type": "application/json"}
LOGIN = orjson.dumps({"email": "ann@example.org", "password": "secret"})


@pytest.fixture
def accounts(service: FakeService, issuer: Issuer) -> FakeService:
    """Stands for accounts: whoever logs in is Ann, and a refresh token works."""

    async def answer(request: Request) -> Reply:
        reply = Reply()
        if request.path in ("/v1/sessions", "/v1/sessions/refresh") and request.method == "POST":
            reply.status = 201 if request.path == "/v1/sessions" else 200
            tokens = {"access_token": issuer.token("ann"), "refresh_token": "r1", "expires_in": 600}
            if request.path == "/v1/sessions":
                tokens["device_token"] = "d1"
            reply.body = orjson.dumps({**tokens, "token_type": "Bearer", "account": {"id": "ann"}})
        elif request.path == "/v1/sessions/current":
            reply.status, reply.body = 204, b""
        return reply

    service.behave = answer
    return service


def cookies_of(answer: Received) -> dict[str, str]:
    """The cookies an answer sets, by name, with their attributes."""
    return {value.split("=", 1)[0]: value for name, value in answer.headers if name == "set-cookie"}


async def log_in(gateway: Caller) -> tuple[str, str]:
    """The Cookie header of a browser that has logged in, and its CSRF token."""
    answer = await gateway.call("POST", "/web/session", JSON, LOGIN)
    assert answer.status == 201, answer.body
    kept = [value.split(";", 1)[0] for value in cookies_of(answer).values()]
    return "; ".join(kept), answer.json()["csrf_token"]


async def test_tokens_are_where_no_script_sees_them(gateway: Caller, accounts: FakeService) -> None:
    """Logging in answers the account and a CSRF token; both tokens are HttpOnly, SameSite=Strict cookies."""
    answer = await gateway.call("POST", "/web/session", JSON, LOGIN)
    assert answer.json()["account"] == {"id": "ann"}
    assert "access_token" not in answer.json()
    assert "refresh_token" not in answer.json()
    assert answer.header("cache-control") == "no-store"
    cookies = cookies_of(answer)
    assert "Path=/;" in cookies["docstore_access"]
    assert "Path=/web/session;" in cookies["docstore_refresh"]
    for cookie in cookies.values():
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
    assert orjson.loads(accounts.requests[-1].body)["email"] == "ann@example.org"


async def test_cookies_are_secure_where_the_page_is(
    open_gateway: OpenGateway, accounts: FakeService, infra: InfraSettings
) -> None:
    """Behind https they are sent over https alone, and the access cookie by this host alone."""
    async with open_gateway(public_url="https://docs.example.org") as gateway:
        answer = await gateway.call("POST", "/web/session", JSON, LOGIN)
    cookies = cookies_of(answer)
    assert set(cookies) == {"__Host-docstore_access", "__Secure-docstore_refresh", "__Host-docstore_device"}
    assert all(cookie.endswith("Secure") for cookie in cookies.values())


async def test_two_addresses_of_one_gateway(
    open_gateway: OpenGateway, accounts: FakeService, infra: InfraSettings
) -> None:
    """Through its TLS proxy the cookies are secure and URLs name that host; on its own machine all is as before."""
    proxied = {"x-forwarded-host": "192.168.1.5:8443", "x-forwarded-proto": "https"}
    settings = {"trusted_proxies": ("198.51.100.7",), "proxied_store_port": 8444, "strict_transport": False}
    direct = {"direct_url": "http://127.0.0.1:8080", "direct_store_url": "http://127.0.0.1:8333"}
    async with open_gateway(public_url="https://192.168.1.5:8443", **settings, **direct) as gateway:
        outside = await gateway.call("POST", "/web/session", JSON | proxied, LOGIN)
        asked = accounts.requests[-1]
        page = await gateway.call("GET", "/", proxied | {"accept": "text/html"})
    async with open_gateway(public_url="https://192.168.1.5:8443", proxied_store_port=8444, **direct) as gateway:
        here = await gateway.call("POST", "/web/session", JSON, LOGIN)
    assert set(cookies_of(outside)) == {"__Host-docstore_access", "__Secure-docstore_refresh", "__Host-docstore_device"}
    assert set(cookies_of(here)) == {"docstore_access", "docstore_refresh", "docstore_device"}
    assert asked.header("docstore-client-origins") == "https://192.168.1.5:8443 https://192.168.1.5:8444"
    assert "connect-src 'self' https://192.168.1.5:8444;" in str(page.header("content-security-policy"))
    assert outside.header("strict-transport-security") is None


async def test_a_browser_is_known_again_after_a_log_out(gateway: Caller, accounts: FakeService) -> None:
    """Its device token is a cookie that a log-out leaves, and goes into the next log-in, whatever the page sends."""
    cookie, csrf = await log_in(gateway)
    assert "docstore_device=d1" in cookie
    answer = await gateway.call("DELETE", "/web/session", {"cookie": cookie, "x-csrf-token": csrf})
    assert "docstore_device" not in cookies_of(answer)
    forged = orjson.dumps({"email": "ann@example.org", "password": "secret", "device_token": "other"})
    await gateway.call("POST", "/web/session", JSON | {"cookie": "docstore_device=d1"}, forged)
    assert orjson.loads(accounts.requests[-1].body)["device_token"] == "d1"


async def test_a_cookie_stands_for_the_header(gateway: Caller, accounts: FakeService) -> None:
    """A call with the cookie reaches the service with the header, and without the cookie."""
    cookie, _ = await log_in(gateway)
    assert (await gateway.call("GET", "/v1/files", {"cookie": cookie})).status == 200
    request = accounts.requests[-1]
    assert request.header("authorization").startswith("Bearer ey")
    assert request.header("cookie") is None


async def test_changing_calls_need_the_csrf_token(gateway: Caller, accounts: FakeService) -> None:
    """Without it, with a wrong one, or with another session's: 403, and no service is asked."""
    cookie, csrf = await log_in(gateway)
    made = len(accounts.requests)
    for header in ({}, {"x-csrf-token": "00"}, {"x-csrf-token": csrf[::-1]}):
        answer = await gateway.call("DELETE", "/v1/files/7", {"cookie": cookie, **header})
        assert (answer.status, answer.json()["code"]) == (403, "csrf")
    assert len(accounts.requests) == made
    assert (await gateway.call("DELETE", "/v1/files/7", {"cookie": cookie, "x-csrf-token": csrf})).status == 200


async def test_a_bearer_token_needs_no_csrf_token(gateway: Caller, accounts: FakeService, issuer: Issuer) -> None:
    """No browser sends that header by itself."""
    assert (await gateway.call("DELETE", "/v1/files/7", issuer.bearer())).status == 200


@pytest.mark.parametrize(
    "foreign",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "host": "127.0.0.1:80"},
        {"origin": "https://evil.example", "host": "127.0.0.1:80"},
        {"origin": "null"},
    ],
)
async def test_no_other_site_logs_anybody_in_or_out(
    gateway: Caller, accounts: FakeService, foreign: dict[str, str]
) -> None:
    """Calls of /web/session are refused if the browser reports that another page made them."""
    cookie, _ = await log_in(gateway)
    for method, path in (("POST", "/web/session"), ("POST", "/web/session/refresh"), ("DELETE", "/web/session")):
        answer = await gateway.call(method, path, {**JSON, **foreign, "cookie": cookie}, LOGIN)
        assert (answer.status, answer.json()["code"]) == (403, "csrf")


async def test_a_reload_takes_the_session_up_again(gateway: Caller, accounts: FakeService) -> None:
    """GET answers the same CSRF token, or whether a refresh may give one; a refresh gives new cookies."""
    cookie, csrf = await log_in(gateway)
    shown = await gateway.call("GET", "/web/session", {"cookie": cookie})
    assert shown.json() == {"csrf_token": csrf, "renewable": True}
    nobody = await gateway.call("GET", "/web/session")
    assert nobody.json() == {"csrf_token": None, "renewable": False}
    again = await gateway.call("POST", "/web/session/refresh", {"cookie": cookie})
    assert (again.status, again.json()["csrf_token"]) == (200, csrf)
    assert orjson.loads(accounts.requests[-1].body) == {"refresh_token": "r1"}
    assert set(cookies_of(again)) == {"docstore_access", "docstore_refresh"}
    assert (await gateway.call("POST", "/web/session/refresh")).status == 401


async def test_logging_out_ends_the_session_and_forgets_the_cookies(gateway: Caller, accounts: FakeService) -> None:
    """Accounts ends it, and the browser drops both."""
    cookie, _ = await log_in(gateway)
    answer = await gateway.call("DELETE", "/web/session", {"cookie": cookie})
    assert answer.status == 204
    assert all("Max-Age=0" in value for value in cookies_of(answer).values())
    assert (accounts.requests[-1].method, accounts.requests[-1].path) == ("DELETE", "/v1/sessions/current")


async def test_log_ins_of_the_page_are_limited_too(open_gateway: OpenGateway, accounts: FakeService) -> None:
    """They are paid from the same budget as those of the API."""
    async with open_gateway(log_in_per_minute=1) as gateway:
        answers = [await gateway.call("POST", "/web/session", JSON, LOGIN) for _ in range(3)]
    assert answers[-1].status == 429


async def test_the_page_is_served(open_gateway: OpenGateway, tmp_path: Path) -> None:
    """Every path is the page, which may load nothing from elsewhere; assets are kept for ever, compressed if asked."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>page</p>")
    (tmp_path / "assets" / "a-1.js").write_text("plain")
    (tmp_path / "assets" / "a-1.js.br").write_bytes(b"small")
    async with open_gateway(web_dir=tmp_path) as gateway:
        page = await gateway.call("GET", "/files/notes/a.md", {"accept": "text/html"})
        asset = await gateway.call("GET", "/assets/a-1.js", {"accept-encoding": "gzip, br"})
        plain = await gateway.call("GET", "/assets/a-1.js")
        absent = await gateway.call("GET", "/assets/b-2.js")
        outside = await gateway.call("GET", "/assets/..%2f..%2fetc/passwd")
    assert (page.status, page.body) == (200, b"<p>page</p>")
    policy = page.header("content-security-policy")
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert [value for name, value in page.headers if name == "referrer-policy"] == ["same-origin"]
    assert page.header("cache-control") == "no-cache"
    assert (asset.body, asset.header("content-encoding")) == (b"small", "br")
    assert "immutable" in asset.header("cache-control")
    assert (plain.body, plain.header("content-type").split(";")[0]) == (b"plain", "text/javascript")
    assert (absent.status, outside.status) == (404, 404)


async def test_the_page_loads_its_assets_from_a_cdn(open_gateway: OpenGateway, tmp_path: Path) -> None:
    """By setting: the page names that origin alone, its policy allows it, and the assets may be read from there."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<script src="/theme.js"></script><script src="/assets/a-1.js"></script>')
    (tmp_path / "index.html.br").write_bytes(b"of another page")
    (tmp_path / "assets" / "a-1.js").write_text("plain")
    cdn, anywhere = "https://d1.cloudfront.net", {"origin": "https://files.example.org"}
    settings = {"web_dir": tmp_path, "asset_url": cdn, "cors_origins": ("*",)}
    async with open_gateway(**settings) as gateway:
        page = await gateway.call("GET", "/files", {"accept": "text/html", "accept-encoding": "br"})
        asset = await gateway.call("GET", "/assets/a-1.js", anywhere)
    assert page.body.decode() == f'<script src="/theme.js"></script><script src="{cdn}/assets/a-1.js"></script>'
    policy = dict(part.strip().split(" ", 1) for part in page.header("content-security-policy").split(";"))
    for directive in ("script-src", "style-src", "font-src"):
        assert policy[directive] == f"'self' {cdn}"
    assert cdn not in policy["connect-src"]
    wanted = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
    assert {name: value for name, value in asset.headers if name in wanted} == wanted
    assert [name for name, _ in asset.headers].count("access-control-allow-origin") == 1


async def test_a_frame_for_files_runs_one_script_and_connects_to_nothing(
    open_gateway: OpenGateway, tmp_path: Path
) -> None:
    """By a nonce of its own each time, in an opaque origin, framed by the page alone; its script loads there. That of a
    public link, which parses nothing, fetches contents.
    """
    (tmp_path / "assets" / "frames").mkdir(parents=True)
    (tmp_path / "frames").mkdir()
    (tmp_path / "index.html").write_text("<p>page</p>")
    (tmp_path / "assets" / "frames" / "docx-1.js").write_text("plain")
    for name in ("docx", "link"):
        html = '<script nonce="%NONCE%" src="/assets/frames/docx-1.js"></script>'
        (tmp_path / "frames" / f"{name}.html").write_text(html)
    async with open_gateway(web_dir=tmp_path) as gateway:
        first, second = [await gateway.call("GET", "/frames/docx.html") for _ in range(2)]
        linked = await gateway.call("GET", "/frames/link.html")
        script = await gateway.call("GET", "/assets/frames/docx-1.js")
        page = await gateway.call("GET", "/", {"accept": "text/html"})
    policies = [
        dict((part.strip() + " ").split(" ", 1) for part in each.header("content-security-policy").split(";"))
        for each in (first, second, linked)
    ]
    nonce = policies[0]["script-src"].strip().removeprefix("'nonce-").removesuffix("'")
    assert first.body.decode() == f'<script nonce="{nonce}" src="/assets/frames/docx-1.js"></script>'
    assert policies[0]["script-src"] != policies[1]["script-src"]
    expected = {
        "default-src": "'none'",
        "sandbox": "allow-scripts",
        "frame-ancestors": "'self'",
        "img-src": "blob: data:",
    }
    assert {name: policies[0][name].strip() for name in expected} == expected
    of_link = {"default-src": "'none'", "frame-src": "'self'", "frame-ancestors": "'self'"}
    assert {name: policies[2][name].strip() for name in of_link} == of_link
    assert policies[2]["connect-src"].split()[0] == "'self'"
    assert len(policies[2]["connect-src"].split()) == 2
    assert "sandbox" not in policies[2]
    assert [value for name, value in first.headers if name == "x-frame-options"] == ["SAMEORIGIN"]
    assert first.header("cache-control") == "no-store"
    assert [value for name, value in script.headers if name == "cross-origin-resource-policy"] == ["cross-origin"]
    assert page.header("x-frame-options") == "DENY"


@pytest.mark.parametrize(
    "origin", ["https://a.net/", "https://a.net; script-src *", "a.net", "https://a.net 'unsafe-eval'"]
)
def test_an_asset_url_is_an_origin(origin: str) -> None:
    """A path, or what would add to the content policy, is refused at the start."""
    with pytest.raises(ValueError, match="asset_url"):
        GatewaySettings(asset_url=origin)


async def test_without_a_page_there_is_a_clear_answer(open_gateway: OpenGateway) -> None:
    """A gateway without a built page explains how to build it."""
    async with open_gateway(web_dir=None) as gateway:
        answer = await gateway.call("GET", "/")
    assert answer.status == 200
    assert b"make web" in answer.body

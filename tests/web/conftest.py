"""The web page in real Chromium, served by a whole stack: DOCSTORE_WEB_URL names one that runs, else one is started.

Chromium is the machine's (CHROMIUM, or `chromium` on the PATH). What every test checks by the way: nothing is written
to the console as an error, and no one but the gateway and the object store is asked for anything.
"""

import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from deployments import Mailbox
from many_callers import MANY_CALLERS
from memory_folders import memory_folder
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from moto.sns.models import sns_backends
from people import PASSWORD, Person
from playwright.async_api import Browser, async_playwright, expect
from web_visitors import (
    NewVisitor,
    Visitor,
    watch_page,
)

from docstore_standalone.credentials import load_credentials
from docstore_standalone.ports import LOOPBACK
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import start_stack

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DESKTOP = {"width": 1280, "height": 800}
LARGE = {"width": 1440, "height": 900}
CONTEXT: dict[str, Any] = {"viewport": DESKTOP, "locale": "en-GB", "service_workers": "block"}
"""Requests of a service worker are out of the tests' sight: those of it allow it."""
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WAIT_MS = 20_000
MIB = 1 << 20
ENVIRONMENT = MANY_CALLERS | {
    "GATEWAY_REFRESH_PER_MINUTE": "100000",
    "ACCOUNTS_SELF_SERVICE_PLANS": "true",
    "NOTIFY_AWS_ACCESS_KEY_ID": "nobody's",
    "NOTIFY_AWS_SECRET_ACCESS_KEY": "nobody's",
    "NOTIFY_DIGEST_INTERVAL_SECONDS": "0",
    "NOTIFY_WEBHOOK_ALLOW_HTTP": "true",
    "NOTIFY_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "UPLOAD_PART_BYTES": str(5 * MIB),
    "QUOTA_FREE_BYTES": str(64 * MIB),
}

expect.set_options(timeout=WAIT_MS)

Texts = Callable[[str], list[str]]
"""Returns the text messages that were sent to a number."""


@contextmanager
def fake_aws() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address=LOOPBACK, port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[str, str, Mailbox | None]]:
    """Where the page is served, the administrator's password, and the mails."""
    if "DOCSTORE_WEB_URL" in os.environ:
        folder = os.environ.get("DOCSTORE_E2E_MAILBOX")
        mails = Mailbox(Path(folder)) if folder else None
        yield os.environ["DOCSTORE_WEB_URL"], os.environ.get("DOCSTORE_WEB_ADMIN_PASSWORD", ""), mails
        return
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    async with AsyncExitStack() as closing:
        with pytest.MonkeyPatch.context() as environment:
            for name, value in (ENVIRONMENT | {"NOTIFY_AWS_ENDPOINT": closing.enter_context(fake_aws())}).items():
                environment.setenv(name, value)
            data = closing.enter_context(memory_folder(tmp_path_factory.mktemp("web")))
            settings = StandaloneSettings(data=data, port=port)
            stack = await closing.enter_async_context(await start_stack(settings))
        mailbox = Mailbox(stack.servers.mailbox)
        yield stack.gateway, load_credentials(stack.servers.folder).admin_password, mailbox


@pytest.fixture
def url(served: tuple[str, str, Mailbox | None]) -> str:
    return served[0]


@pytest.fixture
def admin_password(served: tuple[str, str, Mailbox | None]) -> str:
    return served[1]


@pytest.fixture
def mailbox(served: tuple[str, str, Mailbox | None]) -> Mailbox | None:
    return served[2]


@pytest.fixture
def texts() -> Texts | None:
    if "DOCSTORE_WEB_URL" in os.environ:
        return None
    sent = sns_backends[DEFAULT_ACCOUNT_ID]["us-west-2"].sms_messages
    return lambda number: [text for receiver, text in sent.values() if receiver == number]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    assert CHROMIUM, "Chromium is needed: Debian's package is chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def new_visitor(url: str, mailbox: Mailbox | None, browser: Browser) -> AsyncIterator[NewVisitor]:
    """Makes people who are logged in: `await new_visitor("grace", plan="premium")`."""
    async with AsyncExitStack() as closing:
        watched: list[tuple[str, list[str]]] = []

        async def make(name: str = "ada", *, plan: str = "free", logged_in: bool = True, **wishes: Any) -> Visitor:
            person = await closing.enter_async_context(await Person.new(url, name, mailbox))
            if plan != "free":
                await person.choose(plan)
            context = await browser.new_context(**{**CONTEXT, **wishes})
            closing.push_async_callback(context.close)
            context.set_default_timeout(WAIT_MS)
            if logged_in:
                login = {"email": person.email, "password": PASSWORD}
                answer = await context.request.post(f"{url}/web/session", data=login)
                assert answer.ok, await answer.text()
            page = await context.new_page()
            watched.append((name, watch_page(page, url)))
            return Visitor(url, person, context, page)

        yield make
        for name, wrongs in watched:
            assert not wrongs, f"{name}'s page: {wrongs}"


@pytest.fixture
async def ada(new_visitor: NewVisitor) -> Visitor:
    """Someone on the free plan, logged in."""
    return await new_visitor("ada")


@pytest.fixture
async def phone(new_visitor: NewVisitor) -> Visitor:
    """The same with a phone."""
    return await new_visitor("ada", **PHONE)


@pytest.fixture(params=["desktop", "phone"])
async def anyone(request: pytest.FixtureRequest, new_visitor: NewVisitor) -> Visitor:
    """The same, once at a desk and once with a phone."""
    return await new_visitor("ada", **(PHONE if request.param == "phone" else {"viewport": LARGE}))


@pytest.fixture
def png() -> bytes:
    """A picture of 640 by 400 pixels with a sun going down."""
    import struct
    import zlib

    def pixel(x: int, y: int) -> bytes:
        sun = (x - 320) ** 2 + (y - 240) ** 2 < 4900
        if y > 290:
            return bytes((20, 60 + y // 8, 110 + (x * y) % 30))
        return bytes((255, 214, 120)) if sun else bytes((250 - y // 4, 120 + y // 4, 90 + (290 - y) // 2))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(640)) for y in range(400))
    head = struct.pack(">IIBBBBB", 640, 400, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")

"""One stack for all tests with client programs, started with `docstore up`, and an account with an app password."""

import shutil
from collections.abc import AsyncIterator

import aiohttp
import pytest
from dav_accounts import DavAccount
from many_callers import MANY_CALLERS
from people import SignUp, signing_up
from stacks import DetachedStack

ENVIRONMENT = MANY_CALLERS | {
    "GATEWAY_DAV_PER_MINUTE": "1000000",
    "ACCOUNTS_SELF_SERVICE_PLANS": "true",
    "NOTIFY_DIGEST_INTERVAL_SECONDS": "0",
}
"""Room for many calls from one address; everything else as it is shipped."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "program(name): needs this client program")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of programs that are not installed; the summary names them."""
    absent = [item for item in items if (name := _program(item)) and shutil.which(name) is None]
    if absent:
        config.hook.pytest_deselected(items=absent)
        items[:] = [item for item in items if item not in absent]
        config.stash[ABSENT] = sorted({_program(item) for item in absent})


ABSENT = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name in config.stash.get(ABSENT, []):
        terminalreporter.write_line(f"WARNING: {name} is not installed: NOT tested with it", red=True)


def _program(item: pytest.Item) -> str:
    marker = item.get_closest_marker("program")
    return str(marker.args[0]) if marker else ""


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    async with DetachedStack(tmp_path_factory.mktemp("doors"), ENVIRONMENT) as running:
        yield running


@pytest.fixture
async def sign_up(stack: DetachedStack) -> AsyncIterator[SignUp]:
    async with signing_up(stack.gateway, stack.mailbox) as new_person:
        yield new_person


@pytest.fixture
async def dav(stack: DetachedStack, sign_up: SignUp) -> AsyncIterator[DavAccount]:
    person = await sign_up("ada", "premium")
    scopes = ["files:read", "files:write"]
    token = (await person.call("POST", "/v1/me/tokens", {"name": "WebDAV", "scopes": scopes}))["token"]
    async with aiohttp.ClientSession() as session:
        yield DavAccount(person, stack.gateway, token, session)

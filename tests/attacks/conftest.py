"""One stack for all attack tests, started with `docstore up`."""

from collections.abc import AsyncIterator

import pytest
from deployments import Bucket, Mailbox
from many_callers import MANY_CALLERS
from people import Person, SignUp, signing_up
from stacks import DetachedStack

from docstore_standalone.stack import ADMIN_EMAIL

ENVIRONMENT = MANY_CALLERS | {
    "ACCOUNTS_SELF_SERVICE_PLANS": "true",
    "NOTIFY_DIGEST_INTERVAL_SECONDS": "0",
}
"""Room for many attempts from one address; everything else as it is shipped. Limits are tested beside their service."""


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DetachedStack]:
    """`docstore up` in the background, with its data folder, processes and addresses."""
    async with DetachedStack(tmp_path_factory.mktemp("attacked"), ENVIRONMENT) as running:
        yield running


@pytest.fixture
async def sign_up(stack: DetachedStack) -> AsyncIterator[SignUp]:
    async with signing_up(stack.gateway, stack.mailbox) as new_person:
        yield new_person


@pytest.fixture
async def ada(sign_up: SignUp) -> Person:
    """Someone on the free plan, who is attacked."""
    return await sign_up("ada")


@pytest.fixture
async def mallory(sign_up: SignUp) -> Person:
    """Someone on the free plan, who attacks."""
    return await sign_up("mallory")


@pytest.fixture
async def nobody(stack: DetachedStack) -> AsyncIterator[Person]:
    """Someone without an account."""
    async with Person(stack.gateway) as person:
        yield person


@pytest.fixture
async def admin(stack: DetachedStack) -> AsyncIterator[Person]:
    """An administrator, logged in."""
    async with Person(stack.gateway) as person:
        await person.log_in(ADMIN_EMAIL, stack.admin_password)
        yield person


@pytest.fixture
def mailbox(stack: DetachedStack) -> Mailbox:
    return stack.mailbox


@pytest.fixture
def bucket(stack: DetachedStack) -> Bucket:
    return stack.bucket

"""A whole DocStore for the end-to-end tests: a running one (DOCSTORE_E2E_URL), or a new stack."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from deployments import Bucket, Deployment, Mailbox, deployment_of, missing
from described_answers import checked_clients
from event_log import EventLog
from gateway_ports import free_gateway_port
from many_callers import MANY_CALLERS
from memory_folders import memory_folder
from people import Person, SignUp, signing_up

from docstore_standalone.credentials import load_credentials
from docstore_standalone.servers import BrokerKind
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import ADMIN_EMAIL, start_stack

MIB = 1 << 20
BROKERS: dict[str, BrokerKind] = {"embedded": "tansu-in-memory", "kafka": "apache-kafka", "containers": "apache-kafka"}
"""The embedded one without a log in S3: the tests of faults, chaos and attacks run with it, as `docstore up` does."""
ENVIRONMENT = MANY_CALLERS | {
    "ANALYTICS_ACCESS_LOG_INTERVAL_SECONDS": "1",
    "ACCOUNTS_SELF_SERVICE_PLANS": "true",
    "NOTIFY_DIGEST_INTERVAL_SECONDS": "0",
    "UPLOAD_POLL_INTERVAL_SECONDS": "0.5",
    "UPLOAD_CHECK_FIRST_DELAY_SECONDS": "1",
    "UPLOAD_CHECK_LONGEST_DELAY_SECONDS": "2",
    "UPLOAD_MULTIPART_LIFETIME_SECONDS": "30",
    "UPLOAD_PART_BYTES": str(5 * MIB),
    "UPLOAD_SWEEP_DELAY_SECONDS": "1",
    "UPLOAD_SETTLE_FIRST_DELAY_SECONDS": "2",
    "QUOTA_FREE_BYTES": str(8 * MIB),
    "QUOTA_PREMIUM_BYTES": str(32 * MIB),
}
"""Room for many callers, and a workflow whose next look is soon."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a running deployment, leave out tests that need more of it than the environment gives."""
    if "DOCSTORE_E2E_URL" not in os.environ:
        return
    left_out = [item for item in items if any(map(missing, getattr(item, "fixturenames", ())))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="module", autouse=True)
def _clients_are_watched() -> Iterator[None]:
    """The services run in processes of their own here: what their gateway answers is compared.

    Module by module: what runs in this process after these tests has fake gateways.
    """
    with checked_clients():
        yield


@pytest.fixture(scope="package")
async def deployment(tmp_path_factory: pytest.TempPathFactory, elsewhere: dict[str, Any]) -> AsyncIterator[Deployment]:
    async with AsyncExitStack() as closing:
        if "DOCSTORE_E2E_URL" in os.environ:
            found = deployment_of(dict(os.environ))
        else:
            found = await _own_stack(tmp_path_factory, elsewhere, closing)
        yield found


async def _own_stack(
    tmp_path_factory: pytest.TempPathFactory, elsewhere: dict[str, Any], closing: AsyncExitStack
) -> Deployment:
    data = closing.enter_context(memory_folder(tmp_path_factory.mktemp("e2e")))
    settings = StandaloneSettings(data=data, port=free_gateway_port(), **elsewhere)
    broker = BROKERS[os.environ.get("TEST_INFRA", "embedded")]
    with pytest.MonkeyPatch.context() as environment:
        for name, value in ENVIRONMENT.items():
            environment.setenv(name, value)
        stack = await closing.enter_async_context(await start_stack(settings, broker=broker))
    servers = stack.servers
    keys = servers.services_keys
    return Deployment(
        gateway=stack.gateway,
        admin=(ADMIN_EMAIL, load_credentials(servers.folder).admin_password),
        mailbox=Mailbox(servers.mailbox),
        events=EventLog(servers.kafka_bootstrap),
        bucket=Bucket(
            servers.s3_endpoint, keys.access_key_id, keys.secret_access_key, servers.content_bucket, servers.region
        ),
    )


@pytest.fixture
async def sign_up(deployment: Deployment) -> AsyncIterator[SignUp]:
    async with signing_up(deployment.gateway, deployment.mailbox) as new_person:
        yield new_person


@pytest.fixture
async def ada(sign_up: SignUp) -> Person:
    """Someone on the free plan."""
    return await sign_up("ada")


@pytest.fixture
async def grace(sign_up: SignUp) -> Person:
    """Someone on the premium plan."""
    return await sign_up("grace", plan="premium")


@pytest.fixture
async def nobody(deployment: Deployment) -> AsyncIterator[Person]:
    """Someone without an account."""
    async with Person(deployment.gateway) as person:
        yield person


@pytest.fixture
def access_log(deployment: Deployment) -> None:
    """The deployment reads an access log of its object store, often."""


@pytest.fixture
async def admin(deployment: Deployment) -> AsyncIterator[Person]:
    """An administrator, logged in."""
    assert deployment.admin
    async with Person(deployment.gateway) as person:
        await person.log_in(*deployment.admin)
        yield person


@pytest.fixture
def mailbox(deployment: Deployment) -> Mailbox:
    assert deployment.mailbox
    return deployment.mailbox


@pytest.fixture(scope="module")
async def events(deployment: Deployment) -> AsyncIterator[EventLog]:
    """Read for those who ask for it alone: the broker answers a waiting reader all the time."""
    assert deployment.events
    async with deployment.events as log:
        yield log


@pytest.fixture
def bucket(deployment: Deployment) -> Bucket:
    assert deployment.bucket
    return deployment.bucket


@pytest.fixture
def small_limits() -> None:
    """Marks tests for which uploads must expire in seconds and plans hold a few MiB, by the settings in ENVIRONMENT."""

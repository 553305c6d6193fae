"""Settings and deployments of the chaos tests."""

import os
import random
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from paired_services import ADMIN, PairedServices, running_paired_services
from random_faults import PairFaults, StackFaults, Target
from stacks import SHORT_WAITS, DetachedStack

from docstore_standalone.embedded.java.apache_kafka import fetch_kafka
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import ADMIN_EMAIL

FAULTS = int(os.environ.get("CHAOS_FAULTS", "60"))
"""In all, shared by the deployments."""
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
HAS_KAFKA = bool(shutil.which("java") and shutil.which("mvn"))
DEPLOYMENTS = os.environ.get("CHAOS_DEPLOYMENTS", "up,processes" + ",paired" * HAS_KAFKA).split(",")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Warn of the deployment that was left out, unless that was asked for or other tests were."""
    if not HAS_KAFKA and "CHAOS_DEPLOYMENTS" not in os.environ and config.getoption("markexpr") == "chaos":
        left_out = "WARNING: no Java or Maven: two of each service on Apache Kafka: NOT run here"
        terminalreporter.write_line(left_out, red=True)


@asynccontextmanager
async def _stack(data: Path, rng: random.Random, *, processes: bool) -> AsyncIterator[Target]:
    async with DetachedStack(data, SHORT_WAITS, processes=processes) as stack:
        faults = StackFaults(stack, rng, processes=processes)
        admin = (ADMIN_EMAIL, stack.admin_password)
        yield Target(faults, lambda: stack.gateway, stack.mailbox, lambda: stack.bucket, admin)


@asynccontextmanager
async def _pairs(data: Path, rng: random.Random) -> AsyncIterator[Target]:
    fetch_kafka(StandaloneSettings().tools)
    async with running_paired_services(data) as paired:
        yield _target_of(paired, rng)


def _target_of(paired: PairedServices, rng: random.Random) -> Target:
    return Target(PairFaults(paired, rng), lambda: paired.gateway, paired.mailbox, lambda: paired.bucket, ADMIN)


@pytest.fixture(params=DEPLOYMENTS)
async def target(request: pytest.FixtureRequest, rng: random.Random, tmp_path: Path) -> AsyncIterator[Target]:
    """`up`: all services in one process; `processes`: one each; `paired`: two of each, on Apache Kafka."""
    if request.param == "paired":
        running = _pairs(tmp_path, rng)
    else:
        running = _stack(tmp_path, rng, processes=request.param == "processes")
    async with running as target:
        yield target


@pytest.fixture
def seed() -> int:
    return SEED


@pytest.fixture
def rng() -> random.Random:
    """Decides all that is random, but for the timing of the machine."""
    return random.Random(SEED)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print progress for whoever runs the tests."""

    def print_it(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}", file=sys.stderr, end="", flush=True)

    return print_it


@pytest.fixture
def faults_each() -> int:
    """How many faults each deployment meets."""
    return max(1, FAULTS // len(DEPLOYMENTS))

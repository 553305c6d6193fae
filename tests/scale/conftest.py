"""Two instances of every service, started once; with TEST_SEARCH=opensearch also of the indexer."""

import sys
from collections.abc import AsyncIterator, Callable

import pytest
from paired_services import SEARCH_CLUSTER, PairedServices, running_paired_services

from docstore_standalone.embedded.java.apache_kafka import fetch_kafka
from docstore_standalone.embedded.java.opensearch import fetch_opensearch
from docstore_standalone.settings import StandaloneSettings


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch the broker, and the search engine, before the first test's time runs."""
    if any(item.get_closest_marker("scale") for item in session.items):
        fetch_kafka(StandaloneSettings().tools)
        if SEARCH_CLUSTER:
            fetch_opensearch(StandaloneSettings().tools)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with instances of their own come first: the others' run until the end."""
    items.sort(key=lambda item: "paired" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
async def paired(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PairedServices]:
    """All instances ready; of each service the one that has run longer holds the relay's lease."""
    async with running_paired_services(tmp_path_factory.mktemp("paired")) as running:
        yield running


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a figure for whoever runs the tests."""

    def print_it(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}", file=sys.stderr, end="", flush=True)

    return print_it

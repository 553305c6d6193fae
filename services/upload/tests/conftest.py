"""Makes modules that the tests of upload share importable, and gives each test fresh fakes of the services."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

from fake_services import FakeServices


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()

"""Use cases on fakes."""

import pytest
from metadata_fakes import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()

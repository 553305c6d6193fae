"""A machine with a logged-in user."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_server import FakeServer

from docstore_cli.sessions.session import session_file
from docstore_client import Credentials


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """Where grace@example.org is logged in."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with FakeServer().serving() as server:
        store = session_file()
        store.path.parent.mkdir()
        store.save(Credentials(server.url, "access", "refresh", "grace@example.org"))
        yield server

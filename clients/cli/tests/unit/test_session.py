"""State that a command leaves behind."""

import pytest

from docstore_cli.sessions.session import as_person, run
from docstore_client import AsyncClient, Credentials


class Large:
    """A result that takes long to be serialised, and counts how often it was."""

    written = 0

    def __repr__(self) -> str:
        Large.written += 1
        return "Large()"


def test_a_result_is_handed_on_without_being_written_out() -> None:
    """Not even in messages that no one sees: asyncio makes some when it gives its signal handler back."""
    result = Large()

    async def work() -> Large:
        return result

    assert run(work()) is result
    assert Large.written == 0


async def _credentials(docstore: AsyncClient) -> Credentials | None:
    return docstore.credentials


def test_a_token_in_the_environment_takes_the_place_of_a_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the named server, by default at this machine's; the stored log-in is not even read."""
    monkeypatch.setenv("DOCSTORE_TOKEN", "dst_secret")
    assert as_person(_credentials) == Credentials("http://127.0.0.1:8080", "dst_secret")
    monkeypatch.setenv("DOCSTORE_SERVER", "https://docs.example.org/")
    assert as_person(_credentials) == Credentials("https://docs.example.org", "dst_secret")

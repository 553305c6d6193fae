"""The log-in of this machine, and running commands with it."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from docstore_cli.failures import BadUsage, NotLoggedIn, ended_by
from docstore_client import AsyncClient, DocStoreError
from docstore_client.credential_file import CredentialFile
from docstore_client.models import Model, Page

T = TypeVar("T")
M = TypeVar("M", bound=Model)


def session_file() -> CredentialFile:
    return CredentialFile(_state_folder() / "session.json")


def device_token_file() -> Path:
    """Token that identifies this device at the next log-in; kept after log-out."""
    return _state_folder() / "device"


def _state_folder() -> Path:
    """The platform's folder for application state: on Linux by the XDG base directory specification."""
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    usual = "Library/Application Support" if sys.platform == "darwin" else ".local/state"
    return (named if named.is_absolute() else Path.home() / usual) / "docstore"


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work; turn an error into one line and an exit status."""
    outcome: list[T] = []

    async def finish() -> None:
        # Not returned: when asyncio takes its signal handler away, it writes out the task with what that returned,
        # twice, which for ten thousand steps of a sync takes seconds.
        outcome.append(await work)

    try:
        asyncio.run(finish())
    except (DocStoreError, BadUsage, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise ended_by(error) from None
    return outcome[0]


def as_person(work: Callable[[AsyncClient], Awaitable[T]]) -> T:
    """Run with the stored log-in; renewed tokens are stored."""
    return run(_as_person(work))


async def _as_person(work: Callable[[AsyncClient], Awaitable[T]]) -> T:
    store = session_file()
    credentials = store.load()
    if credentials is None:
        raise NotLoggedIn("not logged in: use `docstore login`")
    async with AsyncClient(credentials.gateway, credentials, store=store) as docstore:
        return await work(docstore)


async def every(page: Callable[[str | None], Awaitable[Page[M]]]) -> list[M]:
    """All items of a list, page after page."""
    items: list[M] = []
    cursor: str | None = None
    while True:
        found = await page(cursor)
        items += found.items
        cursor = found.next_cursor
        if cursor is None:
            return items

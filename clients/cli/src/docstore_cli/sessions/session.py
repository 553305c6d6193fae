"""The log-in of this machine, and running commands with it.

DOCSTORE_TOKEN, an API token, takes the place of a log-in at DOCSTORE_SERVER.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from docstore_cli.failures import BadUsage, NotLoggedIn, ended_by
from docstore_cli.sessions.profiles import DEFAULT, chosen_profile, profile_folder
from docstore_client import AsyncClient, Credentials, DocStoreError, Options
from docstore_client.credential_file import CredentialFile
from docstore_client.models import Model, Page
from docstore_client.paging import iterate

DEFAULT_SERVER = "http://127.0.0.1:8080"
T = TypeVar("T")
M = TypeVar("M", bound=Model)
OPTIONS = Options(user_agent=f"docstore-cli/{version('docstore')}")


def session_file(profile: str | None = None) -> CredentialFile:
    """The log-in of a profile, by default of the chosen one."""
    return CredentialFile(profile_folder(profile or chosen_profile()) / "session.json")


def device_token_file() -> Path:
    """Token that identifies this device at the next log-in; kept after log-out."""
    return profile_folder(chosen_profile()) / "device"


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


def as_person(work: Callable[[AsyncClient], Awaitable[T]], options: Options | None = None) -> T:
    """Run with the stored log-in; renewed tokens are stored."""
    return run(_as_person(work, options or OPTIONS))


def server_of_token() -> str:
    """The address at which DOCSTORE_TOKEN is valid."""
    return (os.environ.get("DOCSTORE_SERVER") or DEFAULT_SERVER).rstrip("/")


async def _as_person(work: Callable[[AsyncClient], Awaitable[T]], options: Options) -> T:
    token = os.environ.get("DOCSTORE_TOKEN")
    if token:
        async with AsyncClient(server_of_token(), Credentials(server_of_token(), token), options=options) as docstore:
            return await work(docstore)
    store = session_file()
    credentials = store.load()
    if credentials is None:
        profile = chosen_profile()
        how = "" if profile == DEFAULT else f" --profile {profile}"
        raise NotLoggedIn(f"not logged in: use `docstore login{how}`, or set DOCSTORE_TOKEN")
    async with AsyncClient(credentials.gateway, credentials, store=store, options=options) as docstore:
        return await work(docstore)


async def every(page: Callable[..., Awaitable[Page[M]]]) -> list[M]:
    """All items of a list, page after page."""
    return [item async for item in iterate(page)]

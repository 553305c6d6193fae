"""Accounts to measure with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from docstore_cli.api import ApiClient
from docstore_platform.ids import new_id

PASSWORD = "correct horse battery staple"


@asynccontextmanager
async def new_account(gateway: str) -> AsyncIterator[ApiClient]:
    """A client of a new account."""
    async with ApiClient(gateway) as api:
        await api.sign_up(f"{new_id()}@example.org", PASSWORD)
        yield api

"""Retries for commands that run until Ctrl-C."""

import asyncio

from docstore_cli.options import errors, shown
from docstore_client.errors import ApiError, DocStoreError, Unreachable
from docstore_client.network.retrying import PASSING

PAUSE_SECONDS = 2.0


class Outage:
    """Reports an outage once and waits between retries."""

    def __init__(self) -> None:
        self._is_shown = False

    def over(self) -> None:
        self._is_shown = False

    async def wait(self, error: DocStoreError) -> None:
        """Wait before the next retry; re-raise errors that are not an outage."""
        if not (isinstance(error, Unreachable) or (isinstance(error, ApiError) and error.status in PASSING)):
            raise error
        if not self._is_shown:
            errors.print(f"{shown(str(error))}; trying again", soft_wrap=True, highlight=False, markup=False)
        self._is_shown = True
        await asyncio.sleep(PAUSE_SECONDS)

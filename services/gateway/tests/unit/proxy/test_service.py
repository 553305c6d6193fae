"""Calls that reach no service."""

import asyncio
from typing import Any

import pytest

from docstore_gateway.proxy.service import HttpForwarder
from docstore_platform.errors import Unavailable


class SilentResolver:
    """Name servers that do not answer."""

    def __init__(self, **_: object) -> None: ...

    async def resolve(self, *_: object, **__: object) -> Any:
        await asyncio.Event().wait()

    async def close(self) -> None: ...


async def test_a_call_that_gets_no_connection_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the time to connect, whatever it waits for: no call hangs."""
    monkeypatch.setattr("aiohttp.connector.DefaultResolver", SilentResolver)

    async def unused(*_: object) -> Any:
        raise AssertionError

    forwarder = HttpForwarder("http://metadata.invalid", "metadata", connect_seconds=0.01, answer_seconds=60)
    scope = {"method": "GET", "raw_path": b"/v1/files", "query_string": b"", "headers": []}
    try:
        async with asyncio.timeout(60):
            with pytest.raises(Unavailable):
                await forwarder.forward(scope, unused, unused)
    finally:
        await forwarder.close()

"""Origins of the current request's client, as services read them."""

import pytest
from starlette.types import Receive, Scope, Send

from docstore_platform.http.client_origins import (
    HEADER,
    ClientOrigins,
    ClientOriginsReader,
    client_at,
    current_origins,
    origins_or_public,
)
from docstore_platform.settings import InfraSettings

ORIGINS = ClientOrigins("https://192.168.1.5:8443", "https://[fd00::2]:8444")


async def seen_by_service(value: bytes | None) -> ClientOrigins | None:
    seen: list[ClientOrigins | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(current_origins())

    scope = {"type": "http", "headers": [] if value is None else [(HEADER, value)]}
    await ClientOriginsReader(app)(scope, None, None)  # type: ignore[arg-type]
    return seen[0]


async def test_a_service_reads_what_the_gateway_sent() -> None:
    """The header carries both origins, for this request only."""
    assert await seen_by_service(ORIGINS.header()) == ORIGINS
    assert current_origins() is None


@pytest.mark.parametrize("value", [b"", b"https://a", b"https://a javascript:alert(1)", b"https://a https://b/../c"])
async def test_anything_else_is_ignored(value: bytes) -> None:
    """Two origins, or nothing."""
    assert await seen_by_service(value) is None


async def test_a_call_within_the_process_keeps_the_origins() -> None:
    """Without a header, what the caller has set stays."""
    with client_at(ORIGINS):
        assert await seen_by_service(None) == ORIGINS


def test_without_a_client_the_public_addresses_count() -> None:
    """Background work writes them into its mails."""
    infra = InfraSettings(public_url="https://files.example.org/", s3_endpoint="http://s3")
    assert origins_or_public(infra) == ClientOrigins("https://files.example.org", "http://s3")

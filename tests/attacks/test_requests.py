"""Requests made to exhaust or confuse whoever answers them."""

import aiohttp
import pytest
from people import Person
from stacks import DetachedStack

pytestmark = pytest.mark.attack

JSON_TYPE = {"Content-Type": "application/json"}


async def test_a_deeply_nested_body_is_refused(stack: DetachedStack, ada: Person) -> None:
    """JSON of 5,000 levels is refused, and what follows is answered."""
    nested = b'{"email": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{stack.gateway}/v1/sessions", data=nested, headers=JSON_TYPE) as answer,
    ):
        assert answer.status in (400, 413, 422)
        assert len(await answer.read()) < 2000
    assert await ada.names() == []

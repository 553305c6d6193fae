"""Attack: reach the operators' port, or make its metrics expensive."""

import asyncio

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from stacks import DetachedStack

pytestmark = pytest.mark.attack

METHODS = ("GET", "POST", "PUT", "PURGE", "X1", "X2", "X3", "PROPFIND")


async def metrics(stack: DetachedStack) -> str:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{stack.state.addresses['operations']}/metrics") as answer,
    ):
        assert answer.status == 200
        return await answer.text()


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics/",
        "//metrics",
        "/%6detrics",
        "/internal/health",
        "/internal/readiness",
        "/internal/openapi.json",
        "/internal/docs",
        "/internal/docs/metadata.json",
    ],
)
async def test_the_public_port_has_no_metrics(stack: DetachedStack, path: str) -> None:
    """However the path is written, and whatever host is named."""
    async with aiohttp.ClientSession() as client:
        for headers in ({}, {"Host": "127.0.0.1:9000"}, {"X-Forwarded-Port": "9000"}):
            async with client.get(stack.gateway + path, headers=headers) as answer:
                assert answer.status == 404
                assert b"docstore_http" not in await answer.read()


async def test_operators_read_the_internal_apis_at_their_port(stack: DetachedStack) -> None:
    """The page, what it loads, and the document of each service; but no other internal route."""
    async with aiohttp.ClientSession(stack.state.addresses["operations"]) as client:
        for path in ("/internal/docs", "/internal/docs/start.js", "/internal/docs/assets/swagger-ui.css"):
            async with client.get(path) as answer:
                assert answer.status == 200, path
        async with client.get("/internal/docs/metadata.json") as answer:
            assert "/internal/commits" in (await answer.json())["paths"]
        for path in ("/internal/readiness", "/internal/keys", "/internal/docs/nobody.json", "/internal/docs/../keys"):
            async with client.get(path) as answer:
                assert answer.status == 404, path


async def test_readiness_has_no_details(stack: DetachedStack) -> None:
    """Whether, not why."""
    async with aiohttp.ClientSession() as client, client.get(f"{stack.gateway}/readyz") as answer:
        assert await answer.json() == {"status": "ok"}


async def test_unknown_clients_add_no_series(stack: DetachedStack) -> None:
    """A thousand paths and methods of one's own leave a handful of series behind."""

    def series(text: str) -> set[tuple[str, str, str]]:
        families = {family.name: family for family in text_string_to_metric_families(text)}
        found = (sample.labels for sample in families["docstore_http_request_seconds"].samples)
        return {(labels["method"], labels["route"], labels["status"]) for labels in found}

    before = series(await metrics(stack))
    async with aiohttp.ClientSession() as client:

        async def ask(number: int) -> None:
            method = METHODS[number % len(METHODS)]
            path = ("/v1/files/", "/v1/none/", "/other/", "/docs/assets/", "/l/")[number % 5]
            async with client.request(method, f"{stack.gateway}{path}{number}", allow_redirects=False) as answer:
                await answer.read()

        for start in range(0, 1000, 20):
            await asyncio.gather(*(ask(number) for number in range(start, start + 20)))
    added = series(await metrics(stack)) - before
    assert len(added) < 60
    assert not any(method.startswith("X") or any(digit in route for digit in "23456789") for method, route, _ in added)

"""Drills on a running stack: whether an alert fires there, and its page's commands as an operator runs them."""

import asyncio
from dataclasses import dataclass

import aiohttp
from runbook_pages import Drill
from shell import Result, Shell
from stacks import DetachedStack

from docstore_platform.testing import eventually

SCRAPE_SECONDS = 5


async def fires(drill: Drill, stack: DetachedStack) -> bool:
    """Whether the alert's condition holds now; Prometheus adds `up` to the metrics that it reads."""
    return drill.holds(await _scraped(f"{stack.state.addresses['operations']}/metrics"))


async def _scraped(url: str) -> str:
    try:
        async with asyncio.timeout(SCRAPE_SECONDS), aiohttp.ClientSession() as http, http.get(url) as answer:
            return f'{await answer.text()}up{{job="docstore"}} 1\n'
    except (TimeoutError, OSError, aiohttp.ClientError):
        return 'up{job="docstore"} 0\n'


async def until(drill: Drill, stack: DetachedStack, *, firing: bool) -> None:
    async def as_expected() -> bool:
        return await fires(drill, stack) is firing

    await eventually(as_expected, every=0.2)


@dataclass(frozen=True, slots=True)
class Operator:
    """Runs the commands of a page, on the stack of one data folder."""

    shell: Shell
    stack: DetachedStack

    async def run(self, drill: Drill, written: str, **values: str) -> Result:
        return await self.shell.run(*drill.command(written, **values), "--data", self.stack.data)

    async def done(self, drill: Drill, written: str, **values: str) -> str:
        result = await self.run(drill, written, **values)
        assert result.status == 0, result
        return result.out

    def log(self) -> str:
        """What all services have logged."""
        return (self.stack.data / "logs" / "services.log").read_text("utf-8")

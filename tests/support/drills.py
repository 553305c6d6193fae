"""Drills on a running stack: whether an alert fires there, and its page's commands as an operator runs them."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from runbook_pages import Drill, metric_names, recording
from scraped_metrics import MINUTE, Metrics
from shell import Result, Shell
from stacks import DetachedStack

from docstore_platform.testing import eventually

SCRAPE_SECONDS = 5
WATCH_SECONDS = 300
"""Many documents may have to be read before an alert ends, and a drill may have to cause much in each minute."""


async def fires(drill: Drill, stack: DetachedStack) -> bool:
    """Whether the condition of an alert on a level holds now."""
    assert not drill.has_windows, f"{drill.alert} needs a Watch"
    watch = Watch(stack)
    await watch.scrape()
    return watch.fires(drill)


async def until(drill: Drill, stack: DetachedStack, *, firing: bool) -> None:
    async def as_expected() -> bool:
        return await fires(drill, stack) is firing

    await eventually(as_expected, seconds=WATCH_SECONDS, every=0.2)


async def _nothing() -> None:
    return None


class Watch:
    """What Prometheus would know of a stack. A scrape counts as a minute, so that hours are over soon.

    Only time is shortened: the rules are those that ship, and metrics contain the seconds that calls and events took.
    """

    def __init__(self, stack: DetachedStack) -> None:
        self._stack = stack
        self._metrics = Metrics(recording())
        self.minute = 0
        """The number of the last scrape."""

    async def scrape(self) -> None:
        self.minute += 1
        text = await _scraped(f"{self._stack.state.addresses['operations']}/metrics")
        self._metrics.scrape(self.minute * MINUTE, _samples(text))

    async def until(
        self, drill: Drill, *, firing: bool, each_minute: Callable[[], Awaitable[object]] = _nothing, **labels: str
    ) -> None:
        """Scrape, a fifth of a second apart, until the alert is as expected; do something before each scrape."""

        async def as_expected() -> bool:
            await each_minute()
            await self.scrape()
            return self.fires(drill, **labels) is firing

        await eventually(as_expected, seconds=WATCH_SECONDS, every=0.2)

    def fires(self, drill: Drill, **labels: str) -> bool:
        """Whether there is an alert with these labels, `severity` among them."""
        return self._fires_at(self.minute, drill, labels)

    def fired(self, drill: Drill, since: int, **labels: str) -> bool:
        """Whether there was one at any minute from that one on."""
        return any(self._fires_at(minute, drill, labels) for minute in range(since, self.minute + 1))

    def _fires_at(self, minute: int, drill: Drill, labels: Mapping[str, str]) -> bool:
        return any(labels.items() <= alert for alert in drill.alerts(self._metrics, minute * MINUTE))


async def _scraped(url: str) -> str:
    """The metrics of one instance, and `up`, which Prometheus adds to them."""
    try:
        async with asyncio.timeout(SCRAPE_SECONDS), aiohttp.ClientSession() as http, http.get(url) as answer:
            return f'{await answer.text()}up{{job="docstore"}} 1\n'
    except (TimeoutError, OSError, aiohttp.ClientError):
        return 'up{job="docstore"} 0\n'


def _samples(text: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Those that rules read."""
    names = metric_names()
    lines = (line for line in text.splitlines() if re.split(r"\W", line, maxsplit=1)[0] in names)
    for family in text_string_to_metric_families("\n".join(lines)):
        yield from ((sample.name, sample.labels, sample.value) for sample in family.samples)


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
        """What all services have logged, with what has moved out of a long file."""
        files = [self.stack.data / "logs" / name for name in ("services.log.1", "services.log")]
        return "".join(file.read_text("utf-8") for file in files if file.exists())

"""Events and uploads through simulated hours of crashes, partitions and outages: the project's code, simulated servers.

`make simulation` runs a day of a thousand instances and prints what it has shown.
"""

import logging
from collections.abc import Iterator

import pytest
import structlog
from simulation import Plan, run

from docstore_events.consuming.inbox import Inbox
from docstore_events.outbox.relay import Relay

SHORT = Plan(hours=0.25)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Faults are many, and each would be logged."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(wrapper_class=before)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_event_takes_effect_once_and_in_order(seed: int) -> None:
    """Whatever fails, each consumer applies each event once and in its file's order, and every upload ends."""
    report = run(Plan(seed=seed))

    assert report.duplicates_delivered > 0, "the faults must have had effects"
    assert report.dead_letters_replayed > 0
    assert report.is_right, "\n".join(report.lines())


def test_a_seed_decides_everything() -> None:
    """A run that has found an error can be repeated: the same seed gives the same events at the same times."""
    assert run(SHORT) == run(SHORT)
    assert run(SHORT).digest != run(Plan(hours=SHORT.hours, seed=2)).digest


def test_a_missing_inbox_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulation can see duplicates: without rows in the inbox some events are applied twice."""

    async def nothing(*_: object) -> None: ...

    monkeypatch.setattr(Inbox, "add", nothing)

    assert run(Plan(hours=0.25, drain_hours=0.1)).duplicates_applied > 0


def test_an_early_mark_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulation can see losses: a relay that marks rows as sent before the broker has them loses events."""
    send = Relay._send

    async def marked_first(self: Relay, producer: object, to: object, rows: list[dict[str, object]]) -> object:
        await self._mark_sent([str(row["_id"]) for row in rows])
        return await send(self, producer, to, rows)

    monkeypatch.setattr(Relay, "_send", marked_first)

    assert run(Plan(hours=1, faults={"crash": 600, "broker outage": 60})).lost > 0

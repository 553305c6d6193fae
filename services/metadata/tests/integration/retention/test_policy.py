"""Retention policies: limits, responses, and the grace before they take effect."""

from datetime import timedelta
from typing import Any

import pytest
from metadata_stack import Stack
from retention_sweeps import RETENTION, clock_off_by, sweeping, throw_away, trash, versions, when

from docstore_platform.clock import utc_now

pytestmark = pytest.mark.connected


async def test_a_policy_is_limited_by_the_operators_maximum(stack: Stack) -> None:
    """It is shown with its limits and when it takes effect; beyond them 422; reset, it is the default again."""
    async with stack.run(max_trash_days=90, version_days=365, max_versions=20):
        person, policy = stack.person, {"trash_days": 7, "versions": 5, "version_days": None}
        before = await person.ok("GET", RETENTION)
        assert before == {
            "trash_days": 30,
            "versions": 20,
            "version_days": 365,
            "is_default": True,
            "applies_at": None,
            "most": {"trash_days": 90, "versions": 20, "version_days": None},
        }
        chosen = await person.ok("PUT", RETENTION, policy)
        assert {name: chosen[name] for name in policy} == policy
        assert not chosen["is_default"]
        assert timedelta(hours=23) < when(chosen["applies_at"]) - utc_now() <= timedelta(hours=24)
        assert await person.ok("PUT", RETENTION, policy) == chosen == await person.ok("GET", RETENTION)
        wrong = [{"trash_days": None}, {"trash_days": 91}, {"trash_days": 0}, {"versions": 21}, {"version_days": -1}]
        for field in [*wrong, {"versions": 0}, {"version_days": 36_501}]:
            assert await person.refused("PUT", RETENTION, policy | field) == (422, "invalid_retention")
        assert (await person.refused("PUT", RETENTION, {"trash_days": 7}))[0] == 422
        assert await person.ok("GET", RETENTION) == chosen
        assert (await stack.other.ok("GET", RETENTION))["is_default"]
        back = await person.ok("DELETE", RETENTION)
        assert back["is_default"]
        assert back["trash_days"] == 30
    async with stack.run(max_trash_days=3):
        assert (await person.ok("GET", RETENTION))["trash_days"] == 3


async def test_a_lowered_policy_takes_effect_after_the_grace(running: Stack) -> None:
    """Not before; the choice writes only the root, and other accounts' trash is not affected."""
    sweeps, person = sweeping(running), running.person
    for number in range(3):
        await running.put(f"/{number}.txt")
        await throw_away(running, f"/{number}.txt")
    forever = {"trash_days": None, "versions": 50, "version_days": None}
    await person.ok("PUT", RETENTION, forever)
    assert {item["expires_at"] for item in (await trash(person)).values()} == {None}
    assert await sweeps.at(5000) == 1  # the versions are looked at again once, for the choice
    assert len(await trash(person)) == 3
    others: dict[str, Any] = {"_id": {"$ne": person.account_id}}
    before = await running.database["nodes"].find(others).to_list(None)
    chosen = await person.ok("PUT", RETENTION, forever | {"trash_days": 1})
    assert await running.database["nodes"].find(others).to_list(None) == before
    assert {item["expires_at"] for item in (await trash(person)).values()} >= {chosen["applies_at"]}
    assert await sweeps.at(0.99) == 0
    assert await sweeps.at(1.01) > 0
    assert await trash(person) == {}


async def test_a_concurrent_choice_stops_the_sweep(running: Stack) -> None:
    """An account is already selected when its owner raises the policy: nothing more is purged."""
    sweeps = sweeping(running)
    await running.put("/a.txt")
    await throw_away(running, "/a.txt")
    sweeps.move(31)
    due = await sweeps.roots.next_due(utc_now() + timedelta(days=31))
    assert due is not None
    await running.person.ok("PUT", RETENTION, {"trash_days": 60, "versions": 50, "version_days": None})
    assert not await sweeps.sweeper._step(due)
    await sweeps.at(59)
    assert (await trash(running.person)).keys() == {"a.txt"}
    await sweeps.at(60.01)
    assert await trash(running.person) == {}


async def test_a_slow_clock_does_not_shorten_the_grace(stack: Stack) -> None:
    """A choice at an instance two days behind takes effect a day later by the database's clock."""
    async with stack.run(clock=clock_off_by(-2), retention_interval_seconds=0):
        sweeps = sweeping(stack)
        for _ in range(3):
            file = await stack.put("/a.txt")
        chosen = await stack.person.ok("PUT", RETENTION, {"trash_days": 1, "versions": 1, "version_days": None})
        assert when(chosen["applies_at"]) > utc_now() + timedelta(hours=23)
        assert await sweeps.at(0.99) == 0
        assert await sweeps.at(1.01) == 1
        assert await versions(stack, file) == [3]

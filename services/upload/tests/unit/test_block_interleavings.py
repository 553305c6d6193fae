"""Random interleavings of block operations, with fakes."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from block_interleavings import SETTINGS, BlockInterleavings, Parts
from fake_services import FakeServices
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from upload_world import MakeWorld


@pytest.fixture
def loop_of_its_own() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def make_machine(
    make_world: MakeWorld, services: FakeServices, loop_of_its_own: asyncio.AbstractEventLoop
) -> Callable[[], BlockInterleavings]:
    def life() -> BlockInterleavings:
        services.start_anew()
        world = make_world(**SETTINGS)
        blocks = world.stored_blocks

        async def lists() -> list[str]:
            return list(blocks.lists)

        async def refs() -> dict[tuple[str, str], int]:
            return {row: count for row, count in blocks.refs.items() if count}

        async def left() -> list[Any]:
            return [*blocks.rows, *blocks.lists, *blocks.discarded]

        parts = Parts(world.uploads, blocks, world.transactor, services, world.settings, world, lists, refs, left)
        return BlockInterleavings(loop_of_its_own, parts)

    return life


def test_blocks_under_any_interleaving(make_machine: Callable[[], BlockInterleavings]) -> None:
    """Whatever happens in whichever order: a block is there while a list refers to it, and goes when none does."""
    run_state_machine_as_test(
        make_machine, settings=settings(max_examples=settings().max_examples * 3 // 2, stateful_step_count=40)
    )


@pytest.mark.parametrize("call", ["put", "run"], ids=["before the list is stored", "before the claim"])
@pytest.mark.parametrize("is_sent_again", [False, True])
def test_blocks_swept_between_look_and_claim(
    make_machine: Callable[[], BlockInterleavings], call: str, is_sent_again: bool
) -> None:
    """A list is not taken whose blocks have gone since they were looked for, even if the same came back meanwhile."""
    life = make_machine()
    life.begin("slow", life.client("ada", [0, 1], "/a", "", False))
    (slow,) = life.jobs
    life.go_on_until(slow, "mark_stored")
    life.go_on_until(slow, call)
    for seconds in (40, 40):
        life.time_passes(seconds)
        life.sweep_begins()
        life.job_ends(1)
    assert not any("/blocks/" in key for key in life.objects)
    if is_sent_again:
        life.client_begins("ada", [0, 1, 0], "/b", "", False)
        life.job_ends(1)
    life.job_ends(0)
    life.what_is_referred_to_is_there()
    assert {commit["item"]["path"] for commit in life.metadata.committed.values()} >= {"/a"}
    life.teardown()


def test_block_that_arrives_after_it_was_given_up(make_machine: Callable[[], BlockInterleavings]) -> None:
    """A request that was begun while its URL was good leaves nothing behind, however late it ends."""
    life = make_machine()
    life.begin("slow", life.client("ada", [0], "/a", "sent", False))
    (slow,) = life.jobs
    life.go_on_until(slow, "put")
    life.time_passes(40)
    life.sweep_begins()
    life.job_ends(1)
    life.job_ends(0)
    assert life.objects
    life.teardown()


@pytest.mark.parametrize("victim", ["client", "purge", "sweep", "deletion"])
def test_killed_at_any_call(make_machine: Callable[[], BlockInterleavings], victim: str) -> None:
    """Whichever call is its last: what it leaves is healed by others, and nothing of it stays for ever."""
    for calls in range(100):
        life = make_machine()
        if victim != "client":
            life.client_begins("ada", [0, 1, 0], "/a", "", False)
            life.job_ends(0)
        if victim in ("sweep", "deletion"):
            life.file_is_purged(0)
            life.job_ends(0)
            life.time_passes(100)
        if victim == "deletion":
            life.sweep_begins()
            life.job_ends(0)
            life.time_passes(25)
        if victim == "client":
            life.client_begins("ada", [0, 1, 0], "/a", "", False)
        elif victim == "purge":
            life.file_is_purged(0)
        else:
            life.sweep_begins()
        life.job_goes_on(0, calls)
        if not life.jobs:
            break
        life.job_is_killed(0)
        life.teardown()
    assert 2 <= calls < 100

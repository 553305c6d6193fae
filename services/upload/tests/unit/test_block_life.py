"""Any life of blocks, over fakes: very many."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from block_life import SETTINGS, BlockLife, Parts
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test


@pytest.fixture
def loop_of_its_own() -> Any:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_any_life_of_blocks(
    make_world: Callable[..., Any], peers: SimpleNamespace, loop_of_its_own: asyncio.AbstractEventLoop
) -> None:
    """Whatever happens in whichever order: a block is there while a list refers to it, and goes when none does."""

    def machine() -> BlockLife:
        for fake in vars(peers).values():
            fake.__init__()
        world = make_world(**SETTINGS)
        blocks = world.stored_blocks

        async def lists() -> list[str]:
            return list(blocks.lists)

        async def left() -> list[Any]:
            return [*blocks.rows, *blocks.lists, *blocks.discarded]

        return BlockLife(
            loop_of_its_own, Parts(world.uploads, blocks, world.transactor, peers, world.settings, lists, left)
        )

    run_state_machine_as_test(machine, settings=settings(max_examples=300, stateful_step_count=40, deadline=None))

"""Random trees, changed at random on all sides, synced with failures, kills and users in between: they come to one.

SYNC_SIMULATIONS says how many (`make sync-soak`: many more), SYNC_SEED with which seed they begin.
"""

import asyncio
import os

import pytest
from sync_simulation import Simulation

RUNS = int(os.environ.get("SYNC_SIMULATIONS", "300"))
FIRST_SEED = int(os.environ.get("SYNC_SEED", "1"))
WORLDS: list[dict[str, bool]] = [{}, {"odd": True}, {"folding": True}, {"roomy": True}]


@pytest.mark.timeout(0)
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: "".join(world) or "plain")
def test_random_worlds_become_one_and_nothing_is_lost(world: dict[str, bool]) -> None:
    """However they were changed, whatever failed: it ends in a few rounds, and every content is there.

    All sides are equal then, but for names that one of them can't have. On the way, every plan is the same whether what
    is settled is left out of it or not.
    """
    print(f"seeds {FIRST_SEED} to {FIRST_SEED + RUNS - 1}")
    loop = asyncio.new_event_loop()
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        try:
            Simulation(seed, loop, **world).run()
        except Exception as error:  # whatever it fails with, the seed that repeats it is told
            print(f"SYNC_SEED={seed} SYNC_SIMULATIONS=1 in a world that is {world or 'plain'}")
            raise AssertionError(f"SYNC_SEED={seed} SYNC_SIMULATIONS=1: {error!r}") from error
    loop.close()

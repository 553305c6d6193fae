"""Random trees with random changes converge despite failures, kills and concurrent users.

SYNC_SIMULATIONS sets their number (`make sync-soak`: many more), SYNC_SEED the first seed.
"""

import asyncio
import os

import pytest
from sync_simulation import Simulation

RUNS = int(os.environ.get("SYNC_SIMULATIONS", "300"))
FIRST_SEED = int(os.environ.get("SYNC_SEED", "1"))
WORLDS: list[dict[str, bool]] = [{}, {"odd": True}, {"folding": True}, {"roomy": True}, {"selecting": True}]


@pytest.mark.timeout(0)
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: "".join(world) or "plain")
def test_random_worlds_converge_and_lose_nothing(world: dict[str, bool]) -> None:
    """After any changes and failures, a few rounds make all sides equal, and no content is lost.

    Names that one side can't have are excepted. Each plan is the same with and without unchanged nodes.
    """
    print(f"seeds {FIRST_SEED} to {FIRST_SEED + RUNS - 1}")
    loop = asyncio.new_event_loop()
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        try:
            Simulation(seed, loop, **world).run()
        except Exception as error:  # whatever the error, the failure message names the seed
            print(f"SYNC_SEED={seed} SYNC_SIMULATIONS=1 in a world that is {world or 'plain'}")
            raise AssertionError(f"SYNC_SEED={seed} SYNC_SIMULATIONS=1: {error!r}") from error
    loop.close()

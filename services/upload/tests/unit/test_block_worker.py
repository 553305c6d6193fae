"""The workers of blocks, with fakes."""

from datetime import timedelta
from typing import TYPE_CHECKING

from upload_world import MakeWorld

if TYPE_CHECKING:
    pass


async def test_a_held_deletion_claims_nothing_in_vain(make_world: MakeWorld) -> None:
    """Once deletions are known to be held, nothing more is claimed until they are not; then all of it is."""
    world = make_world(lease_seconds=60)
    world.stored_blocks.discarded = {"first": (world.now, None)}
    world.deletions_held = True
    assert await world.sweeper.claim_due(10) == []
    world.stored_blocks.discarded["second"] = world.now, None
    assert await world.sweeper.claim_due(10) == []
    assert world.stored_blocks.discarded["second"] == (world.now, None)
    world.deletions_held = False
    world.now += timedelta(seconds=60)
    assert {each.key for each in await world.sweeper.claim_due(10)} == {"first", "second"}

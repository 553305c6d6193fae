"""Random faults while people work: every acknowledged operation counts exactly once afterwards."""

import random
from collections.abc import Callable

import pytest
from busy_client import BusyClient, everything_is_as_promised, no_dead_letters
from ledger import Ledger, ledger_is_kept, ledger_is_notified, uploads_are_recorded
from people import Person
from random_faults import Target

pytestmark = pytest.mark.chaos


@pytest.mark.timeout(0)  # as long as the faults that were asked for take
async def test_no_fault_loses_or_doubles_an_acknowledged_operation(
    target: Target, seed: int, rng: random.Random, faults_each: int, tell: Callable[[str], None]
) -> None:
    """Uploads of one person and changes of another go on while components die or stand still, one or two at once."""
    tell(f"seed {seed}")
    async with BusyClient(target.gateway) as uploads, BusyClient(target.gateway) as changes:
        ledger = Ledger(changes, rng)
        await ledger.follow()
        async with uploads.working(), ledger.working():
            for number in range(1, faults_each + 1):
                what = await target.faults.strike()
                await uploads.promised(1)
                tell(f"{number}/{faults_each} {what}; {ledger.operations} changes acknowledged")
        await everything_is_as_promised(uploads, target.mailbox, target.bucket())
        async with Person(target.gateway()) as admin:
            await admin.log_in(*target.admin)
            await uploads_are_recorded(uploads.person, admin)
            await ledger_is_kept(ledger, admin)
        await ledger_is_notified(ledger, target.mailbox)
        await no_dead_letters(target.gateway(), target.admin)
    tell(f"{len(uploads.promises.files)} uploads and {ledger.operations} changes acknowledged, each kept exactly once")

"""Random turns of users and two devices end with equal trees and lose nothing (Hypothesis)."""

import asyncio
import random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from sync_simulation import Simulation
from sync_worlds import Book, Disk

LOOP = asyncio.new_event_loop()


class Devices(RuleBasedStateMachine):
    """Two devices and the web page, on one account."""

    def __init__(self) -> None:
        super().__init__()
        self.simulation = Simulation(0, LOOP)
        self.simulation.devices = [(Disk(), Book()), (Disk(), Book())]

    @rule(chance=st.randoms(use_true_random=False))
    def somebody_changes_something(self, chance: random.Random) -> None:
        self.simulation.chance = chance
        self.simulation.change_something()

    @rule(device=st.integers(0, 1), failing=st.sampled_from((0.0, 0.3)), seed=st.integers(0, 1000))
    def a_device_syncs(self, device: int, failing: float, seed: int) -> None:
        self.simulation.chance = random.Random(seed)
        self.simulation.sync(device, failing)

    @rule(device=st.integers(0, 1), seed=st.integers(0, 1000))
    def a_device_syncs_while_somebody_works(self, device: int, seed: int) -> None:
        self.simulation.chance = random.Random(seed)
        self.simulation.sync(device, 0.0, between=0.3)

    def teardown(self) -> None:
        self.simulation.chance = random.Random(0)
        self.simulation.come_to_one()


Devices.TestCase.settings = settings(
    max_examples=3 * settings().max_examples,
    stateful_step_count=25,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
TestDevices = Devices.TestCase

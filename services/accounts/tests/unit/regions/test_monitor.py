"""The list of regions contains the latency and the lag of each."""

from dataclasses import dataclass

from docstore_accounts.regions.client import RegionUnreachable
from docstore_accounts.regions.monitor import RegionMonitor, RegionState
from docstore_accounts.regions.schemas import region_json

HERE = RegionState("us-west-2", "https://west", current=True, reachable=True)


@dataclass
class FakeRegion:
    """Responds after each of `trips`; away without any."""

    clock: "FakeClock"
    trips: list[float]
    name: str = "eu-north-1"
    public_url: str = "https://north"

    async def ping(self) -> None:
        if not self.trips:
            raise RegionUnreachable("away")
        self.clock.now += self.trips.pop(0)


@dataclass
class FakeClock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def test_the_fastest_round_trip_counts() -> None:
    """Of several, as the first opens a connection; before a measurement nothing is claimed."""
    region = FakeRegion(clock := FakeClock(), [0.3, 0.02, 0.05])
    monitor = RegionMonitor(HERE, [region], clock=clock)
    assert [(one.name, one.reachable) for one in monitor.states()] == [("eu-north-1", None), ("us-west-2", True)]
    await monitor.measure()
    assert region_json(monitor.states()[0]) == {
        "name": "eu-north-1",
        "url": "https://north",
        "current": False,
        "reachable": True,
        "latency_ms": 20.0,
        "replication_lag_seconds": 0.0,
    }


async def test_an_unreachable_region_is_still_listed() -> None:
    """Without a latency, also where it went away between two measurements."""
    region = FakeRegion(clock := FakeClock(), [0.1] * 3)
    monitor = RegionMonitor(HERE, [region], clock=clock)
    await monitor.measure()
    await monitor.measure()
    state = monitor.states()[0]
    assert (state.reachable, state.latency_seconds, state.url) == (False, None, "https://north")

"""How often a test probes what it waits for."""

import asyncio
import time

import pytest

from docstore_platform.testing import LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS, eventually


@pytest.mark.parametrize(("happens_after", "most_probes"), [(0.1, 7), (30.0, 80)])
async def test_a_long_wait_probes_rarely_and_ends_soon_after(
    happens_after: float, most_probes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a minute takes few probes; a moment is noticed at once."""
    now, probes = 1000.0, 0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    async def has_happened() -> bool:
        nonlocal probes
        probes += 1
        return now >= 1000.0 + happens_after

    with monkeypatch.context() as patched:  # no other task of the loop must find these: it might never let go
        patched.setattr(time, "monotonic", lambda: now)
        patched.setattr(asyncio, "sleep", sleep)
        await eventually(has_happened)
    assert probes <= most_probes
    assert now - 1000.0 - happens_after <= min(LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS + happens_after / 4)

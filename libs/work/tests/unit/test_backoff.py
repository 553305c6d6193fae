"""Exponential backoff."""

from hypothesis import given
from hypothesis import strategies as st

from docstore_work.backoff import backoff


@given(attempts=st.integers(1, 10_000), first=st.floats(0.1, 100), longest=st.floats(100, 10_000))
def test_backoff_grows_within_bounds(attempts: int, first: float, longest: float) -> None:
    """Pauses never shrink, start with the first and end with the longest."""
    assert backoff(1, first=first, longest=longest) == min(first, longest)
    pause, next_pause = (backoff(count, first=first, longest=longest) for count in (attempts, attempts + 1))
    assert first <= pause <= next_pause <= longest

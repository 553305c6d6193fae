"""Exponential backoff."""

MAX_DOUBLINGS = 40


def backoff(attempts: int, *, first: float, longest: float) -> float:
    """Return the delay after the `attempts`-th failure: `first`, then doubled each time, up to `longest`."""
    return min(first * 2.0 ** min(max(attempts - 1, 0), MAX_DOUBLINGS), longest)

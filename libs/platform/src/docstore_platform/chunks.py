"""Splits sequences into chunks, for calls with a limit of items."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Iterate over `items` in sequences of `size`; the last may be shorter."""
    return (items[start : start + size] for start in range(0, len(items), size))

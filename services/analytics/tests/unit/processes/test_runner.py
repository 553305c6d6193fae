"""Short-lived processes and how they are given their input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_analytics.processes.framing import join_parts, split_parts
from docstore_analytics.processes.runner import ChildFailed, run_child


@given(st.lists(st.binary()))
def test_parts_are_taken_apart_as_they_were_joined(parts: list[bytes]) -> None:
    """Whatever is in them; and what is cut off is refused."""
    joined = join_parts(parts)
    assert split_parts(joined) == parts
    if joined:
        with pytest.raises(ValueError, match="cut off"):
            split_parts(joined[:-1])


async def test_a_child_that_fails_or_hangs_is_ended_with_its_reason() -> None:
    """Nothing of it stays."""
    with pytest.raises(ChildFailed, match="cut off"):
        await run_child("docstore_analytics.archive.parquet_process", b"nonsense", seconds=30)
    with pytest.raises(ChildFailed, match=r"more than 0\.01 s"):
        await run_child("docstore_analytics.archive.parquet_process", b"", seconds=0.01)

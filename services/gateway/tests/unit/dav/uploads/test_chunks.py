"""Files in chunks: which part of the file a chunk is."""

import pytest

from docstore_gateway.dav.uploads.chunks import part_size_of
from docstore_platform.errors import DomainError


def test_all_chunks_of_a_file_tell_the_same_part_size() -> None:
    """Also the last one, which is shorter."""
    assert {part_size_of(25, 10, 3, 0), part_size_of(25, 10, 3, 1), part_size_of(25, 5, 3, 2)} == {10}
    assert part_size_of(20, 10, 2, 1) == 10


@pytest.mark.parametrize(
    ("total", "size", "count", "number"), [(25, 10, 3, 3), (25, 10, 0, 0), (25, 4, 3, 2), (5, 5, 1, 0)]
)
def test_numbers_that_do_not_fit_are_refused(total: int, size: int, count: int, number: int) -> None:
    """A chunk beyond the last, none at all, different lengths, a file in one chunk."""
    with pytest.raises(DomainError, match="invalid_parts"):
        part_size_of(total, size, count, number)

"""Cursors: what was encoded comes back, anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_platform.errors import DomainError
from docstore_platform.http.paging import MAX_CURSOR_CHARS, decode_cursor, encode_cursor
from docstore_platform.http.problems import problem_of

values = st.text(max_size=50) | st.integers(-(2**53), 2**53) | st.booleans() | st.none()


@given(st.lists(values, max_size=4))
def test_a_position_comes_back_as_it_was(position: list[object]) -> None:
    """Values and types survive, and the cursor needs no escaping in a URL."""
    cursor = encode_cursor(*position)
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert decode_cursor(cursor, *(type(value) for value in position)) == position


@given(st.text(max_size=100) | st.binary(max_size=60).map(lambda raw: raw.hex()))
def test_any_text_is_decoded_or_refused(text: str) -> None:
    """Made-up cursors are 422 `invalid_cursor`, never an error of another kind."""
    try:
        (value,) = decode_cursor(text, str)
    except DomainError as problem:
        assert (problem_of(problem).status, problem.code) == (422, "invalid_cursor")  # noqa: PT017 - both outcomes are right
        return
    assert isinstance(value, str)


@pytest.mark.parametrize(
    "cursor",
    [
        encode_cursor(1),
        encode_cursor("a", "b"),
        encode_cursor({"$gt": ""}),
        encode_cursor(["a"]),
        encode_cursor(None),
        encode_cursor("x" * MAX_CURSOR_CHARS),
        "bm9uc2Vuc2U",
        "é",
    ],
)
def test_a_cursor_of_another_shape_is_refused(cursor: str) -> None:
    """Types are checked, so that no one slips a query operator into the database."""
    with pytest.raises(DomainError) as refused:
        decode_cursor(cursor, str)
    assert refused.value.code == "invalid_cursor"


def test_a_position_may_have_one_of_several_types() -> None:
    """A sort key can be a number or missing."""
    for value in (1, None):
        assert decode_cursor(encode_cursor(value), (int, type(None))) == [value]

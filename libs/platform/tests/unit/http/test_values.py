"""Kinds of values that clients send."""

from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from docstore_platform.http.problems import validation_code
from docstore_platform.http.values import WHOLE, DayOrMoment, Line, Moment

MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)
DAY: TypeAdapter[datetime] = TypeAdapter(DayOrMoment)
COUNT: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=1, strict=True), WHOLE])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T08:30:00Z", datetime(2026, 11, 21, 8, 30, tzinfo=UTC)),
        ("2026-11-21t08:30:00.123456789z", datetime(2026, 11, 21, 8, 30, 0, 123456, tzinfo=UTC)),
        ("2026-11-21T08:30:00+02:00", datetime(2026, 11, 21, 6, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_into_utc(text: str, moment: datetime) -> None:
    """Whatever offset RFC 3339 gives it."""
    assert MOMENT.validate_python(text) == moment
    assert DAY.validate_python(text) == moment


@pytest.mark.parametrize("value", ["", "0.5", 0.5, 1700000000, "20261121T083000Z", "2026-11-21T08:30:00", "2026-02-30"])
def test_invalid_times_are_refused(value: Any) -> None:
    """A number is no time since 1970, and a time without an offset could be any."""
    for adapter in (MOMENT, DAY):
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def test_a_day_begins_at_midnight_utc() -> None:
    """Where a day is taken for a moment."""
    assert DAY.validate_python("2026-11-21") == datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize("text", ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_outside_the_calendar_has_a_code(text: str) -> None:
    """RFC 3339 has such moments, and no database."""
    with pytest.raises(ValidationError) as caught:
        MOMENT.validate_python(text)
    assert validation_code([dict(error) for error in caught.value.errors()]) == "moment_out_of_range"


def test_a_line_is_printable() -> None:
    """Blanks around it do not count; a control character is refused by a code of its own."""
    line: TypeAdapter[str] = TypeAdapter(Line)
    assert line.validate_python(" for Ada ") == "for Ada"
    with pytest.raises(ValidationError) as caught:
        line.validate_python("for\nAda")
    assert validation_code([dict(error) for error in caught.value.errors()]) == "unprintable_text"


def test_json_has_one_kind_of_number() -> None:
    """`3.0` is the integer 3; `3.5`, `"3"` and `true` are none."""
    assert COUNT.validate_python(3.0) == 3
    for value in (3.5, "3", True, float("inf"), 0):
        with pytest.raises(ValidationError):
            COUNT.validate_python(value)


def test_several_fields_that_break_one_rule_have_its_code() -> None:
    """Fields that break different rules have none in common."""
    unprintable, out_of_range = [{"ctx": {"code": code}} for code in ("unprintable_text", "moment_out_of_range")]
    assert validation_code([unprintable, unprintable]) == "unprintable_text"
    assert validation_code([unprintable, out_of_range]) == validation_code([unprintable, {}]) == "invalid_request"

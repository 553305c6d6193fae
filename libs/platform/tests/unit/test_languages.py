"""Texts for people in each language: sizes, times, and the choice among languages."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from docstore_platform.languages import accepted_language, shown_day, shown_moment, shown_size, translations

MOMENT = datetime(2027, 3, 5, 14, 30, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 KB"),
        (1536, "1.5 KB"),
        (999_999, "977 KB"),
        (45_600_000, "43 MB"),
        (5 << 30, "5 GB"),
        (10**18, "888 PB"),
    ],
)
def test_sizes_are_shown_with_three_digits_at_most(size: int, shown: str) -> None:
    """In powers of 1024, as the web page shows them: a plan of 5 GiB is 5 GB everywhere."""
    assert shown_size(size) == shown


def test_sizes_are_written_as_the_language_does() -> None:
    """Its decimal sign, and its word for bytes."""
    assert [shown_size(1536, language) for language in ("de", "es", "zh")] == ["1,5 KB", "1,5 KB", "1.5 KB"]
    assert [shown_size(5, language) for language in ("de", "es", "zh")] == ["5 Byte", "5 bytes", "5字节"]


@pytest.mark.parametrize(
    ("language", "day", "moment"),
    [
        ("en", "5 March 2027", "5 March 2027, 14:30 UTC"),
        ("de", "5. März 2027", "5. März 2027, 14:30 UTC"),
        ("es", "5 de marzo de 2027", "5 de marzo de 2027, 14:30 UTC"),
        ("zh", "2027年3月5日", "2027年3月5日 14:30 UTC"),
        ("tlh", "5 March 2027", "5 March 2027, 14:30 UTC"),
    ],
)
def test_times_are_written_as_people_of_the_language_do(language: str, day: str, moment: str) -> None:
    """With the time zone named; in an unknown language as in English."""
    assert shown_day(MOMENT, language) == day
    assert shown_moment(MOMENT, language) == moment


def test_a_time_of_anywhere_is_shown_in_utc() -> None:
    """As facts of events have it, too."""
    there = MOMENT.astimezone(timezone(timedelta(hours=13)))
    assert shown_day(there) == "5 March 2027"
    assert shown_moment(there) == shown_moment("2027-03-05T14:30:59.123Z") == "5 March 2027, 14:30 UTC"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr-FR, fr;q=0.9, es-MX;q=0.7, en;q=0.5", "es"),
        ("en;q=0.5, ZH-Hans-CN", "zh"),
        ("de;q=0, en;q=0.1", "en"),
        ("de;q=0", "en"),
        ("fr, *;q=0.5", "en"),
        ("de;q=zehn, es;q=0.1", "es"),
        ("de;q=nan", "en"),
        (",;q=,;;;=", "en"),
        ("fr," * 1000 + "de", "en"),
    ],
)
def test_the_language_is_the_first_of_ours_that_the_visitor_accepts(header: str, language: str) -> None:
    """By its weights; a malformed entry is ignored, and English is for everyone else."""
    assert accepted_language(header) == language


def test_a_language_without_a_catalogue_is_english() -> None:
    """As an account may have one from a newer version of accounts."""
    assert translations("docstore_platform", "tlh").gettext("the file") == "the file"

"""What the pages without script share."""

import base64
import hashlib

import pytest

from docstore_platform.plain_page import CSS, STYLE_SOURCE, shown_size


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.00 KB"),
        (1_234_567, "1.23 MB"),
        (999_999, "1.00 MB"),
        (45_600_000, "45.6 MB"),
        (123_456_789_000, "123 GB"),
        (10**18, "1000 PB"),
    ],
)
def test_sizes_are_shown_with_three_digits(size: int, shown: str) -> None:
    """As people say them."""
    assert shown_size(size) == shown


def test_the_style_can_stand_in_a_page() -> None:
    """Nothing in it ends its element or loads anything, and its hash allows just it."""
    assert not {"<", "&"} & set(CSS)
    assert not any(loading in CSS for loading in ("url(", "@import"))
    digest = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    assert f"'sha256-{digest}'" == STYLE_SOURCE

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


def test_the_style_can_stand_in_a_page() -> None:
    """Nothing in it ends its element or loads anything, and its hash allows just it."""
    assert not {"<", "&"} & set(CSS)
    assert not any(loading in CSS for loading in ("url(", "@import"))
    digest = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    assert f"'sha256-{digest}'" == STYLE_SOURCE

"""What the pages without script share."""

import base64
import hashlib

from docstore_platform.plain_page import CSS, STYLE_SOURCE


def test_the_style_can_stand_in_a_page() -> None:
    """Nothing in it ends its element or loads anything, and its hash allows just it."""
    assert not {"<", "&"} & set(CSS)
    assert not any(loading in CSS for loading in ("url(", "@import"))
    digest = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    assert f"'sha256-{digest}'" == STYLE_SOURCE

"""Contents with previews, by declared type and name."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_media.kinds import Kind, kind_of
from docstore_media.rules import Facts, Source


@pytest.mark.parametrize(
    ("content_type", "name", "kind"),
    [
        ("image/jpeg", "a.jpg", Kind.IMAGE),
        ("IMAGE/PNG; charset=binary", "a", Kind.IMAGE),
        ("application/pdf", "a.png", Kind.PDF),
        ("", "Scan.PDF", Kind.PDF),
        ("application/octet-stream", "holiday.JPG", Kind.IMAGE),
        ("text/plain", "a.png", None),
        ("image/svg+xml", "a.svg", Kind.SVG),
        ("", "IMG_0001.HEIC", Kind.IMAGE),
        ("video/quicktime", "a", Kind.VIDEO),
        ("application/octet-stream", "Film.MKV", Kind.VIDEO),
        ("text/html", "a.svg", None),
        ("", "README", None),
    ],
)
def test_the_declared_type_comes_first(content_type: str, name: str, kind: Kind | None) -> None:
    """The name decides only where the type is unspecific."""
    assert kind_of(content_type, name) is kind


@pytest.mark.parametrize(
    ("found", "facts"),
    [
        (None, Facts()),
        ({"width": 3, "height": 2.5, "pages": True, "orientation": 9}, Facts(width=3)),
        ({"camera": "a\nb", "taken_at": "yesterday", "latitude": 91.0, "longitude": "8"}, Facts()),
        (
            {"camera": "x" * 101, "taken_at": "2024-05-06T07:08:09", "surprise": 1},
            Facts(taken_at="2024-05-06T07:08:09"),
        ),
        (
            {"camera": "Canon R5", "latitude": -1.5, "longitude": 8.0},
            Facts(camera="Canon R5", latitude=-1.5, longitude=8.0),
        ),
    ],
)
def test_only_plausible_facts_are_taken(found: Any, facts: Facts) -> None:
    """A content may have written anything there, and a compromised worker, too."""
    assert Facts.of(found) == facts


@given(st.text(), st.text())
def test_any_type_and_name_is_answered(content_type: str, name: str) -> None:
    """Whatever clients write there."""
    assert kind_of(content_type, name) in (None, *Kind)


def test_a_content_is_shared_within_its_account_only() -> None:
    """The same bytes in two accounts are two contents, two ways to read them too, and two places of unverified ones."""
    source = Source(
        file_id="f", version=1, revision=1, owner_id="a", kind=Kind.IMAGE, sha256="0" * 64, size=1, object_key="k",
    )  # fmt: skip
    others: list[dict[str, Any]] = [{"owner_id": "b"}, {"kind": Kind.PDF}, {"sha256": "1" * 64}]
    for changes in others:
        assert replace(source, **changes).content != source.content
    assert replace(source, object_key="other").content == source.content
    unverified = replace(source, sha256="")
    assert replace(unverified, file_id="copy").content == unverified.content
    assert replace(unverified, object_key="other").content != unverified.content

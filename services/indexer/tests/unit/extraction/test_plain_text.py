"""Text files: which encoding, what is refused, where they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_indexer.extraction.kinds import Kind, kind_of
from docstore_indexer.extraction.plain_text import decode
from docstore_indexer.extraction.rules import Unsupported


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_decoded_from_each_encoding(encoding: str) -> None:
    """Accents survive UTF-8, both byte order marks and the Latin-1 family."""
    assert decode("Crème brûlée, naïve café".encode(encoding), truncated=False).text == "Crème brûlée, naïve café"


def test_utf16_big_endian_is_recognised_by_its_mark() -> None:
    """The byte order comes from the mark."""
    assert decode(b"\xfe\xff" + "Zürich".encode("utf-16-be"), truncated=False).text == "Zürich"


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_decoded_or_refused(data: bytes, truncated: bool) -> None:
    """Whatever the bytes, the answer is storable text or a refusal."""
    try:
        text = decode(data, truncated=truncated).text
    except Unsupported:
        return
    assert "\0" not in text
    text.encode()


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1), st.integers(0, 3))
def test_a_cut_character_costs_only_itself(text: str, cut: int) -> None:
    """The beginning of a long UTF-8 file is still read as UTF-8."""
    data = text.encode()
    whole = decode(data[: max(1, len(data) - cut)], truncated=True)
    assert text.startswith((whole.text, "\ufeff"))


@pytest.mark.parametrize(
    ("content_type", "name", "head", "kind"),
    [
        ("application/octet-stream", "notes.MD", b"", Kind.TEXT),
        ("text/plain; charset=utf-8", "README", b"", Kind.TEXT),
        ("", "unnamed", b"%PDF-1.7", Kind.PDF),
        ("", "unnamed", b"only words", Kind.TEXT),
        ("application/octet-stream", "blob", b"\x00\x01\x02", None),
        ("text/plain", "backup.zip", b"PK", None),
        ("image/png", "photo", b"", Kind.PNG),
        ("application/pdf", "letter.docx", b"", Kind.DOCX),
        ("video/x-msvideo", "film", b"", None),
        ("image/svg+xml", "drawing", b"", Kind.XML),
    ],
)
def test_the_parser_is_chosen_by_name_then_type_then_content(
    content_type: str, name: str, head: bytes, kind: Kind | None
) -> None:
    """An extension beats the declared type, which beats the first bytes."""
    assert kind_of(content_type, name, head) is kind

"""Custom metadata of files as headers of objects."""

from email.header import Header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_contents.s3.metadata_headers import MAX_BYTES, header_text, metadata_headers
from docstore_contents.s3.presigned import object_headers

VALUES = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" ="), max_size=60).map(str.strip)


@given(st.dictionaries(st.text("az09-", min_size=1, max_size=10), VALUES, max_size=5))
def test_every_value_comes_back_from_its_header(pairs: dict[str, str]) -> None:
    """In headers that can be signed, unless they are too many."""
    headers = metadata_headers(pairs)
    assert object_headers("text/plain", metadata=headers)
    assert {name: header_text(value) for name, value in headers.items()} in (pairs, {})


def test_an_object_has_all_or_none() -> None:
    """Up to the store's limit; beyond it, the file alone has them."""
    assert metadata_headers({"a": "x" * (MAX_BYTES - 1)}) != {}
    assert metadata_headers({"a": "x" * MAX_BYTES}) == {}


@pytest.mark.parametrize("text", ["Größe", "Ada  Lovelace", "𝄞" * 40])
def test_words_that_a_store_has_encoded_are_read(text: str) -> None:
    """Other text than ASCII comes back from S3 as RFC 2047 words, of either encoding and in several lines."""
    assert header_text(Header(text, "utf-8").encode().replace("\n ", " ")) == text
    assert header_text(Header(text, "latin-1" if "ö" in text else "utf-8").encode(linesep=" ")) == text


@pytest.mark.parametrize("value", ["=?", "=?utf-8?B?a?=", "=?no-such-charset?Q?a?=", "plain"])
def test_invalid_encoded_words_are_plain_text(value: str) -> None:
    """Shown as it is."""
    assert header_text(value) == value

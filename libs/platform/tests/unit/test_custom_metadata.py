"""Rules of custom metadata, as bodies of requests apply them."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from docstore_platform.domain.custom_metadata import INVALID_METADATA, check_metadata
from docstore_platform.errors import Invalid
from docstore_platform.http.problems import validation_code
from docstore_platform.http.values import CustomMetadata, MetadataNames

NAMES = st.text("abcxyz019-", min_size=1, max_size=64)
VALUES = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=256).filter(
    lambda text: len(unicodedata.normalize("NFC", text)) <= 256
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
BODY: TypeAdapter[dict[str, str]] = TypeAdapter(CustomMetadata)
FIELDS: TypeAdapter[tuple[str, ...]] = TypeAdapter(MetadataNames)


@given(st.dictionaries(NAMES, VALUES, max_size=20))
def test_valid_pairs_are_kept(pairs: dict[str, str]) -> None:
    """All of them, in their order, with each value in one normal form; checking again changes nothing."""
    checked = check_metadata(pairs)
    assert checked == {name: unicodedata.normalize("NFC", value) for name, value in pairs.items()}
    assert list(checked) == list(pairs)
    assert check_metadata(checked) == checked


@given(st.one_of(JSON, st.dictionaries(st.text(max_size=70), st.text(max_size=300), max_size=25)))
def test_whatever_passes_obeys_the_rules(given_pairs: object) -> None:
    """Any JSON is refused with one code, or has few pairs with short names and values on one line."""
    code = ""
    checked: dict[str, str] = {}
    try:
        checked = BODY.validate_python(given_pairs)
    except ValidationError as error:
        code = validation_code(error.errors())
    assert code in ("", INVALID_METADATA)
    assert len(checked) <= 20
    for name, value in checked.items():
        assert re.fullmatch("[a-z0-9-]{1,64}", name)
        assert len(value) <= 256
        assert value.isprintable()
        assert value == value.strip()


@pytest.mark.parametrize(
    "pairs",
    [
        {f"name-{number}": "x" for number in range(21)},
        {"": "x"},
        {"a" * 65: "x"},
        {"Author": "x"},
        {"author\n": "x"},
        {"author": "x" * 257},
        {"author": "a\r\nx-amz-acl: public-read"},
        {"author": "\ud800"},
        {"author": 1},
        {1: "x"},
        ["author"],
        None,
    ],
)
def test_each_broken_rule_is_refused(pairs: object) -> None:
    """As `invalid_metadata`."""
    with pytest.raises(Invalid) as refused:
        check_metadata(pairs)
    assert refused.value.code == INVALID_METADATA


@pytest.mark.parametrize("names", [["a", "a"], ["A"], [""], [{}], ["a"] * 21])
def test_names_of_fields_obey_the_same_rules(names: list[object]) -> None:
    """Each once, and as a pair could have it."""
    assert FIELDS.validate_python(["author", "-"]) == ("author", "-")
    with pytest.raises(ValidationError) as refused:
        FIELDS.validate_python(names)
    assert validation_code(refused.value.errors()) == INVALID_METADATA

"""Invalid requests are refused, never passed on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_platform.errors import DomainError, Invalid
from docstore_platform.http.problems import problem_of
from docstore_upload.lifecycle.rules import MIB
from docstore_upload.sessions.schemas import InitiateRequest
from docstore_upload.sessions.validation import read_complete_item, read_initiate, refuse_initiate

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
SIZES = ("size", "max_size")
FIELDS = (
    "path",
    "file_id",
    *SIZES,
    "content_type",
    "sha256",
    "base_version",
    "on_conflict",
    "tags",
    "metadata",
    "metadata_fields",
    "method",
)
TIMED = {"path": "/a", "size": 1, "method": "put"}


@given(st.one_of(JSON, st.dictionaries(st.sampled_from(FIELDS), JSON)))
def test_any_json_is_read_or_refused(item: object) -> None:
    """Whatever JSON stands in a batch: it is a request or a 4xx, never an error of ours."""
    for outcome in (read_initiate(item), read_complete_item(item)):
        if isinstance(outcome, InitiateRequest):
            outcome = refuse_initiate(outcome, MIB) or Invalid("", code="")
        assert not isinstance(outcome, DomainError) or 400 <= problem_of(outcome).status < 500


@pytest.mark.parametrize(
    "moment", [1700000000, "1700000000", "2001-02-03T04:05:06", "2001-02-30T04:05:06Z", "0001-01-01T00:00:00Z"]
)
def test_a_file_time_is_an_rfc_3339_moment(moment: object) -> None:
    """Numbers, times without a zone and moments that no calendar or database has are refused."""
    assert isinstance(read_initiate({**TIMED, "client_modified_at": moment}), DomainError)
    read = read_initiate({**TIMED, "client_modified_at": "2001-02-03T04:05:06.789+01:00"})
    assert isinstance(read, InitiateRequest)
    assert read.client_modified_at is not None
    assert read.client_modified_at.isoformat() == "2001-02-03T03:05:06.789000+00:00"


@given(st.lists(st.text(max_size=70), max_size=60))
def test_tags_are_refused_as_metadata_would(tags: list[str]) -> None:
    """A request that passes has tags that fit into a document: few, short, printable."""
    request = InitiateRequest(path="/a", size=1, method="put", tags=tags)
    if refuse_initiate(request, MIB) is None:
        assert len(tags) <= 50
        assert all(tag.strip().isprintable() and 1 <= len(tag.strip().encode()) <= 200 for tag in tags)


@pytest.mark.parametrize(
    ("sizes", "method", "code"),
    [
        ({"max_size": 1}, "form", None),
        ({"max_size": MIB}, "form", None),
        ({"max_size": MIB + 1}, "form", "invalid_size"),
        ({"max_size": 0}, "form", "invalid_size"),
        ({"max_size": 1, "size": 1}, "form", "invalid_request"),
        ({}, "form", "invalid_request"),
        ({}, "put", "invalid_request"),
        ({"max_size": 1}, "put", "invalid_request"),
        ({"max_size": 1, "size": 1}, "multipart", "invalid_request"),
    ],
)
def test_a_form_may_leave_its_size_open(sizes: dict[str, int], method: str, code: str | None) -> None:
    """`max_size` instead of `size`, never both or neither, up to the limit, and for forms alone."""
    refused = refuse_initiate(InitiateRequest(path="/a", method=method, **sizes), MIB)
    assert (refused.code if refused else None) == code
    assert refused is None or problem_of(refused).status == 422


def test_a_misspelt_field_is_not_passed_over() -> None:
    """Its item is refused and names it: without its base an upload would overwrite what it was to leave alone."""
    item = {"path": "/a", "size": 1, "method": "put", "base_verison": 3}
    outcome = read_initiate(item)
    assert isinstance(outcome, DomainError)
    assert (problem_of(outcome).status, outcome.code) == (422, "invalid_request")
    assert "base_verison" in outcome.detail


def test_an_id_alone_is_a_complete_item() -> None:
    """`complete-batch` takes ids as well as objects."""
    assert read_complete_item("u1") == read_complete_item({"id": "u1"})


@pytest.mark.parametrize(
    ("method", "size", "part_size", "code"),
    [
        ("multipart", 20 * MIB, 5 * MIB, None),
        ("multipart", 20 * MIB, 5 * MIB - 1, "invalid_parts"),
        ("multipart", 10_001 * 5 * MIB, 5 * MIB, "invalid_parts"),
        ("put", 20 * MIB, 5 * MIB, "invalid_parts"),
    ],
)
def test_a_client_may_choose_the_size_of_parts(method: str, size: int, part_size: int, code: str | None) -> None:
    """As far as the store takes them: at least 5 MiB, at most 10,000."""
    refused = refuse_initiate(InitiateRequest(path="/a", method=method, size=size, part_size=part_size), MIB)
    assert (refused and refused.code) == code

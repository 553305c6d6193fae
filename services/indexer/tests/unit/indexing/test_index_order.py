"""Numbers that order two writes of a file."""

from hypothesis import given
from hypothesis import strategies as st
from indexer_fakes import a_file, an_entry

from docstore_indexer.engines.opensearch.schema import version_of
from docstore_indexer.indexing.index_order import number_of

counts = st.integers(1, 10**9)
GREATEST_VERSION = (1 << 63) - 1


@given(counts, counts, counts, counts)
def test_a_later_change_has_a_higher_version(revision: int, later: int, change: int, after: int) -> None:
    """By revision, whatever our own count is; then by that count; and a text comes after its file's name."""
    first = number_of(an_entry(a_file(revision=revision), change=change))
    assert number_of(an_entry(a_file(revision=revision + later), change=after)) > first
    again = number_of(an_entry(a_file(revision=revision), change=change + after))
    assert again >= first
    assert again > first or change >= (1 << 20) - 1
    assert version_of(first, with_text=False) < version_of(first, with_text=True)
    assert version_of(again, with_text=True) <= GREATEST_VERSION


@given(counts)
def test_the_version_fits_whatever_the_count(change: int) -> None:
    """A file that changed a million times stays within what OpenSearch takes."""
    assert version_of(number_of(an_entry(a_file(revision=10**12), change=change)), with_text=True) <= GREATEST_VERSION

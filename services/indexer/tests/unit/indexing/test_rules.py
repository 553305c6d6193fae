"""Rules of indexing: the next step of a pending file, and the newest of its events."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st
from indexer_fakes import a_file, an_entry

from docstore_indexer.extraction.rules import ExtractedText, failure
from docstore_indexer.indexing.rules import Decision, File, FileChange, Outcome, Step, WorkQueue, decide, groups, newest


def parse(_: File) -> WorkQueue:
    return WorkQueue.PARSE


def no_text(_: File) -> WorkQueue:
    raise failure("unsupported_type")


def test_what_a_pending_file_needs() -> None:
    """Removed if it can't be found any more; by name on the free plan; else its text, once a version."""
    assert decide(an_entry(a_file(trashed=True)), "premium", "eng", parse).step is Step.REMOVE
    assert decide(an_entry(a_file(purged=True)), "free", "eng", parse).step is Step.REMOVE
    assert decide(an_entry(text_version=1), "free", "eng", parse).step is Step.NAME
    assert decide(an_entry(a_file(kind="folder")), "premium", "eng", parse).step is Step.NAME
    assert decide(an_entry(text_version=1), "premium", "eng", parse).step is Step.STORED_TEXT
    assert decide(an_entry(a_file(version=2), text_version=1), "premium", "eng", parse) == Decision(
        Step.FETCH, WorkQueue.PARSE
    )
    failed = an_entry(failed_version=1, reason="corrupt")
    assert decide(failed, "premium", "eng", parse) == Decision(Step.FAILED, reason="corrupt")
    assert decide(an_entry(), "premium", "eng", no_text) == Decision(Step.FAILED, reason="unsupported_type")


def test_only_changes_are_published() -> None:
    """A version is published once per mode; removals and folders are not."""
    assert Outcome(an_entry(), "fulltext", ExtractedText("x")).is_new
    assert not Outcome(an_entry(announced="1:fulltext"), "fulltext").is_new
    assert Outcome(an_entry(announced="1:fulltext"), "name").is_new
    assert Outcome(an_entry(a_file(version=2), announced="1:name"), "name").is_new
    assert not Outcome(an_entry(), "removed").is_new
    assert not Outcome(an_entry(a_file(kind="folder")), "name").is_new


@given(st.lists(st.integers(1, 50), min_size=1, unique=True))
def test_in_any_order_the_highest_revision_counts_and_every_cause_is_kept(revisions: list[int]) -> None:
    """Batch of one file folded together is the newest of them, with all their events."""
    change = [FileChange(a_file(revision=revision), (str(revision),)) for revision in revisions]
    folded = reduce(newest, change, None)
    assert folded is not None
    assert folded.file.revision == max(revisions)
    assert sorted(folded.event_ids) == sorted(map(str, revisions))


@given(st.lists(st.integers(0, 100)), st.integers(1, 200))
def test_groups_keep_the_order_and_bound_the_characters(sizes: list[int], at_once: int) -> None:
    """Every entry is in one group; a group exceeds the bound by one text at most."""
    entries = [an_entry(a_file(str(number)), text_chars=size) for number, size in enumerate(sizes)]
    made = list(groups(entries, at_once, lambda entry: entry.text_chars))
    assert [entry for group in made for entry in group] == entries
    assert all(sum(entry.text_chars for entry in group) < at_once + 100 + 1 for group in made)

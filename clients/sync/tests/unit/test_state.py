"""Uploads and removals that were begun, in the state of a synced folder."""

from pathlib import Path

import pytest

from docstore_sync.execution.begun_removals import settle_begun_removals
from docstore_sync.model import BegunRemoval, BegunUpload, Kind, SyncedEntry
from docstore_sync.state import open_state

OLD = SyncedEntry("id1", "root", "a.txt", Kind.FILE, "old", "i1")
NEW = SyncedEntry("id1", "root", "a.txt", Kind.FILE, "new", "i1")
BEGUN = BegunUpload("id1", 1, "new")


@pytest.fixture
def folder(folder: Path) -> Path:
    """A folder with one synced file, whose upload was begun by a process that is gone."""
    with open_state(folder) as state:
        state.record(OLD)
        state.begin_upload(BegunUpload("id1", 1, "between"))
        state.begin_upload(BEGUN)
    return folder


def test_a_begun_upload_outlives_its_process(folder: Path) -> None:
    """Of one file only the last is kept; a record of other content does not end it."""
    with open_state(folder) as state:
        state.record(OLD)
        assert state.begun_uploads() == [BEGUN]
    with open_state(folder) as state:
        assert state.begun_uploads() == [BEGUN]


@pytest.mark.parametrize("end", ["record", "forget", "all"])
def test_a_begun_upload_ends_with_its_record(folder: Path, end: str) -> None:
    """With a record of its content, or with the record's deletion; permanently."""
    with open_state(folder) as state:
        ends = {"record": lambda: state.record(NEW), "forget": lambda: state.forget("id1"), "all": state.forget_all}
        ends[end]()
        assert state.begun_uploads() == []
    with open_state(folder) as state:
        assert state.begun_uploads() == []
        assert state.synced() == ([NEW] if end == "record" else [])


@pytest.mark.parametrize("end", ["kept", "forget", "all", "settled"])
def test_a_begun_removal_outlives_its_process_until_it_ends(folder: Path, end: str) -> None:
    """It ends when the local copy is found to be there, or with its record; permanently."""
    removal = BegunRemoval("id1", "a.txt")
    with open_state(folder) as state:
        state.begin_removal(removal)
    with open_state(folder) as state:
        assert state.begun_removals() == [removal]
        ends = {"kept": lambda: state.end_removal("id1"), "forget": lambda: state.forget("id1")}
        ends |= {"all": state.forget_all, "settled": lambda: settle_begun_removals(state, {"a.txt"}.__contains__)}
        ends[end]()
    with open_state(folder) as state:
        assert state.begun_removals() == []
        assert state.synced() == ([OLD] if end in ("kept", "settled") else [])

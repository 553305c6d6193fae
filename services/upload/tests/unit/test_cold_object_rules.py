"""The next step of a retrieval."""

from docstore_upload.cold_objects.rules import BEGUN_AT_ONCE, LOOKED_AT, Archived, next_step


def archived(number: int, *, is_restoring: bool = False) -> list[Archived]:
    return [Archived(str(key), "archived", is_restoring) for key in range(number)]


def test_all_restorations_begin_before_any_is_looked_at() -> None:
    """Many at a time; then a few objects show whether the others are there."""
    step = next_step([*archived(BEGUN_AT_ONCE + 1), Archived("restoring", "archived", is_restoring=True)])
    assert (len(step.begin), step.look_at) == (BEGUN_AT_ONCE, [])
    step = next_step(archived(LOOKED_AT + 1, is_restoring=True))
    assert (step.begin, len(step.look_at)) == ([], LOOKED_AT)


def test_an_object_that_is_being_moved_is_left_alone() -> None:
    """It is archived soon, and retrieved then."""
    step = next_step([Archived("a", "moving", is_restoring=False)])
    assert (step.begin, step.look_at) == ([], [])

"""Names of backups order them, whatever the clock was."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given
from hypothesis import strategies as st

from docstore_standalone.backup.manifest import MANIFEST
from docstore_standalone.backup.places.folder_target import FolderTarget
from docstore_standalone.backup.places.target import choose

AHEAD, NOW = datetime(2027, 1, 1, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 2), timezones=st.just(UTC))


@given(st.lists(MOMENTS, max_size=12))
@example([AHEAD, *[NOW] * 11])
@example([NOW, NOW, NOW, AHEAD, NOW])
def test_backups_are_in_the_order_in_which_they_were_taken(moments: list[datetime]) -> None:
    """With a clock that jumps, goes back, or stands still, too; each has a name of its own."""
    with TemporaryDirectory() as folder:
        target = FolderTarget.prepared(Path(folder))
        taken: list[str] = []
        for moment in moments:
            begun = target.begin(moment)
            (begun / MANIFEST).touch()
            taken.append(begun.name)
        assert target.names() == taken
        assert not moments or choose(target, None) == taken[-1]

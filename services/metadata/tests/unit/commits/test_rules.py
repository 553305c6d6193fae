"""Rounds of independent commits."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.commits.rules import Commit, independent_rounds

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def commit(upload_id: str, path: str | None, file_id: str | None = None) -> Commit:
    return Commit(
        upload_id=upload_id,
        account_id="ann",
        device="",
        path=path,
        file_id=file_id,
        size=1,
        content_type="",
        sha256="",
        object_key=upload_id,
        base_version=None,
        on_conflict="copy",
        tags=(),
        uploaded_at=NOW,
    )


paths = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map(lambda names: "/" + "/".join(names))


@given(st.lists(st.tuples(paths | st.none(), st.sampled_from(["u", "v", "w", "x"])), max_size=12))
def test_rounds_contain_independent_commits(wanted: list[tuple[str | None, str]]) -> None:
    """Every commit is in one round; no two of a round conflict; conflicting ones keep their order."""
    commits = [commit(upload_id, path, None if path else "f") for path, upload_id in wanted]
    rounds = independent_rounds(commits)
    assert sorted(position for batch in rounds for position in batch) == list(range(len(commits)))
    round_of = {position: number for number, batch in enumerate(rounds) for position in batch}
    for late in range(len(commits)):
        for early in range(late):
            one, other = commits[early], commits[late]
            a, b = one.path or f"id:{one.file_id}", other.path or f"id:{other.file_id}"
            nested = a.startswith(b + "/") or b.startswith(a + "/")
            if a == b or nested or one.upload_id == other.upload_id:
                assert round_of[early] < round_of[late]

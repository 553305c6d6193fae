"""What is Tantivy's own: files on disk, commits, crashes."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from search_engine_contract import CIPHER, document, found, put

from docstore_indexer.engines.engine import EngineFailed, Opened, SearchQuery
from docstore_indexer.engines.tantivy.engine import TantivyEngine
from docstore_indexer.engines.tantivy.generation import Generation
from docstore_indexer.engines.tantivy.schema import FORMER_VERSION, to_document
from docstore_indexer.engines.terms import EXCERPT_CHARS
from docstore_platform.testing import eventually

REBUILDER = Path(__file__).parents[3] / "rebuild_for_ever.py"


def generations(root: Path) -> list[str]:
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir())


async def built(root: Path) -> None:
    """A complete index of one file, closed."""
    engine = TantivyEngine(root, CIPHER)
    assert await engine.open() == Opened(True, "new")
    await engine.begin_rebuild()
    await engine.add_to_rebuild([document("f1", "kept")])
    await engine.finish_rebuild()
    await engine.close()


async def test_a_closed_index_opens_complete(tmp_path: Path) -> None:
    """What was accepted before the end is there after it, flushed or not."""
    await built(tmp_path)
    engine = TantivyEngine(tmp_path, CIPHER)
    assert await engine.open() == Opened(False, "complete")
    await engine.upsert([document("f2", "unflushed")])
    await engine.close()
    engine = TantivyEngine(tmp_path, CIPHER)
    await engine.open()
    assert sorted(await found(engine)) == ["f1", "f2"]
    await engine.close()


async def test_an_index_stays_unfinished_until_its_rebuild_is(tmp_path: Path) -> None:
    """A process that ends between open and the end of the rebuild leaves it to be done by the next."""
    for reason in ("new", "unfinished", "unfinished"):
        engine = TantivyEngine(tmp_path, CIPHER)
        assert await engine.open() == Opened(True, reason)  # type: ignore[arg-type]
        await engine.begin_rebuild()
        await engine.close()
    await engine_done(tmp_path)


async def engine_done(root: Path) -> None:
    engine = TantivyEngine(root, CIPHER)
    await engine.open()
    await engine.begin_rebuild()
    await engine.finish_rebuild()
    await engine.close()
    engine = TantivyEngine(root, CIPHER)
    assert await engine.open() == Opened(False, "complete")
    await engine.close()


def broken_meta(folder: Path) -> None:
    (folder / "meta.json").write_text("rubbish")


def missing_segment(folder: Path) -> None:
    for file in folder.glob("*.idx"):
        file.unlink()


def broken_store(folder: Path) -> None:
    for file in folder.glob("*.store"):
        file.write_bytes(b"rubbish")


def missing_folder(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def broken_current(folder: Path) -> None:
    (folder.parent / "CURRENT").write_text("rubbish")


def foreign_current(folder: Path) -> None:
    (folder.parent / "CURRENT").write_text('{"who": "knows"}')


@pytest.mark.parametrize(
    "damage", [broken_meta, missing_segment, broken_store, missing_folder, broken_current, foreign_current]
)
async def test_a_broken_index_is_reported_and_replaced(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """The service rebuilds, and meanwhile an empty index takes writes and serves."""
    await built(tmp_path)
    damage(tmp_path / generations(tmp_path)[0])
    engine = TantivyEngine(tmp_path, CIPHER)
    assert await engine.open() == Opened(True, "unreadable")
    await put(engine, document("f2", "new"))
    assert await found(engine) == ["f2"]
    assert len(generations(tmp_path)) == 1
    await engine.close()


async def test_an_index_of_the_former_schema_serves_until_it_is_replaced(tmp_path: Path) -> None:
    """It is searched and written as it is, beside the new one, and after a restart; the new one knows sizes."""
    text = "Die Häuser sind groß und nicht weit von der Stadt."
    generation = tmp_path / "0000000000000001"
    generation.mkdir()
    former = Generation(generation, CIPHER, FORMER_VERSION)
    former.apply({"f1": to_document(document("f1", text=text), CIPHER)})
    former.release()
    current = {"folder": generation.name, "complete": True, "schema": FORMER_VERSION}
    (tmp_path / "CURRENT").write_text(json.dumps(current))
    for number in (2, 3):
        engine = TantivyEngine(tmp_path, CIPHER)
        assert await engine.open() == Opened(True, "outdated")
        assert len(await found(engine, "Häuser", scope="content")) == number - 1
        await put(engine, document(f"f{number}", text=text))
        assert len(await found(engine, "Häuser Stadt", scope="content")) == number
        assert len(await found(engine, "Haus", scope="content")) == number
        for needs_sizes in (engine.search(SearchQuery("ann", sort="size")), engine.stored_by("ann")):
            with pytest.raises(EngineFailed, match="being rebuilt"):
                await needs_sizes
        await engine.begin_rebuild()
        await engine.close()
    engine = TantivyEngine(tmp_path, CIPHER)
    await engine.open()
    await engine.begin_rebuild()
    await put(engine, document("f4", text=text))
    await engine.add_to_rebuild([document(f"f{number}", text=text) for number in (1, 2, 3)])
    assert len(await found(engine, "Stadt", scope="content")) == 4
    await engine.finish_rebuild()
    assert len(await found(engine, "Haus", scope="content", sort="size")) == 4
    await engine.close()
    engine = TantivyEngine(tmp_path, CIPHER)
    assert await engine.open() == Opened(False, "complete")
    assert len(await found(engine, "Haus", scope="content")) == 4
    await engine.close()


async def test_an_index_of_another_schema_is_replaced(tmp_path: Path) -> None:
    """An upgrade that changes how files lie in the index leads to a rebuild."""
    await built(tmp_path)
    current = json.loads((tmp_path / "CURRENT").read_bytes())
    (tmp_path / "CURRENT").write_text(json.dumps(current | {"schema": 0}))
    engine = TantivyEngine(tmp_path, CIPHER)
    assert await engine.open() == Opened(True, "outdated")
    await engine.close()


async def test_a_second_process_cannot_take_the_index(tmp_path: Path) -> None:
    """It is refused and harms nothing; once the first has closed, it may."""
    first, second = TantivyEngine(tmp_path, CIPHER), TantivyEngine(tmp_path, CIPHER)
    await first.open()
    await first.begin_rebuild()
    with pytest.raises(EngineFailed):
        await second.open()
    await second.close()
    await put(first, document("f1"))
    await first.finish_rebuild()
    await first.close()
    third = TantivyEngine(tmp_path, CIPHER)
    await third.open()
    assert await found(third) == ["f1"]
    await third.close()


async def test_an_unfinished_rebuild_is_dropped_at_start(tmp_path: Path) -> None:
    """A folder that CURRENT does not name is removed."""
    await built(tmp_path)
    [name] = generations(tmp_path)
    (tmp_path / f"{int(name) + 1:016d}").mkdir()
    engine = TantivyEngine(tmp_path, CIPHER)
    await engine.open()
    assert generations(tmp_path) == [name]
    await engine.close()


async def test_writes_share_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred writers that each wait for their flush cost a few commits, not a hundred."""
    commits = []
    apply = Generation.apply
    monkeypatch.setattr(Generation, "apply", lambda self, changes: (commits.append(len(changes)), apply(self, changes)))
    engine = TantivyEngine(tmp_path, CIPHER, commit_ms=20)
    await engine.open()
    await asyncio.gather(*(put(engine, document(f"f{number}")) for number in range(100)))
    answer = await engine.search(SearchQuery("ann", limit=1))
    assert answer.total == 100
    assert len(commits) <= 3
    await engine.close()


async def test_a_failed_commit_is_reported_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The waiting caller gets the error; the write is not lost, and does not undo a newer one."""
    engine = TantivyEngine(tmp_path, CIPHER, commit_ms=0)
    await engine.open()
    await put(engine, document("f1", "zero"))
    apply = Generation.apply

    def full(self: Generation, changes: object) -> None:
        monkeypatch.setattr(Generation, "apply", apply)
        raise ValueError("no space left on device")

    monkeypatch.setattr(Generation, "apply", full)
    await engine.upsert([document("f1", "one"), document("f2", "two")])
    with pytest.raises(EngineFailed, match="no space"):
        await engine.flush()
    await engine.upsert([document("f1", "newer")])
    await engine.flush()
    assert await found(engine, "newer") == ["f1"]
    assert await found(engine, "two") == ["f2"]
    assert await found(engine, "one") == []
    await engine.close()


async def test_waiting_text_is_bounded(tmp_path: Path) -> None:
    """Writers faster than the disk wait for it instead of filling the memory."""
    engine = TantivyEngine(tmp_path, CIPHER, commit_ms=0, batch_chars=1000)
    await engine.open()
    for number in range(20):
        await engine.upsert([document(f"f{number}", text="word " * 150)])
    await engine.flush()
    assert len(await found(engine, "word", scope="content")) == 20
    await engine.close()


async def test_a_snippet_costs_no_more_for_characters_that_are_many_once_normal(tmp_path: Path) -> None:
    """What it is looked for in is cut after that: one character may become eighteen."""
    engine = TantivyEngine(tmp_path, CIPHER)
    await engine.open()
    many = "\ufdfa " * (EXCERPT_CHARS // 19)
    await put(engine, document("f1", text="zebra " + many + "walrus"))
    snippets = [
        (await engine.search(SearchQuery("ann", word, "content"))).hits[0].snippet for word in ("zebra", "walrus")
    ]
    assert ["<mark>" in (snippet or "") for snippet in snippets] == [True, False]
    await engine.close()


async def test_an_idle_engine_writes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer is given back after a while and taken again when needed."""
    released = []
    release = Generation.release
    monkeypatch.setattr(Generation, "release", lambda self: (release(self), released.append(self)))
    engine = TantivyEngine(tmp_path, CIPHER, commit_ms=0, idle_seconds=0.01)
    await engine.open()
    for number in range(3):
        await put(engine, document(f"f{number}"))
        await eventually(lambda number=number: as_async(len(released) > number))
    assert len(await found(engine)) == 3
    await engine.close()


async def as_async(value: bool) -> bool:
    return value


@pytest.mark.faults
async def test_an_index_survives_kill_9_at_any_point_of_a_rebuild(tmp_path: Path) -> None:
    """Killed at many moments of rebuild after rebuild, it opens with every file and one generation."""
    for round_number in range(12):
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(REBUILDER), str(tmp_path), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        await process.stdout.readline()
        await asyncio.sleep(round_number * 0.007)  # another moment of the cycle each time
        process.send_signal(signal.SIGKILL)
        await process.wait()
        engine = TantivyEngine(tmp_path, CIPHER)
        assert await engine.open() == Opened(False, "complete")
        assert sorted(await found(engine)) == sorted(f"f{number}" for number in range(20))
        assert len(generations(tmp_path)) == 1
        await engine.close()

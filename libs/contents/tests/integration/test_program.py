"""A program that reads an untrusted file is confined to that file and one folder."""

import os
import zipfile
from pathlib import Path

import pytest

from docstore_contents.workers.pool import JobFailed
from docstore_contents.workers.program import Ended, Module, ProgramLimits, run_program

LIMITS = ProgramLimits(seconds=20, cpu_seconds=20, memory_mb=512, file_bytes=2 << 20)
SHELL = Path("/bin/sh").resolve()


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "document"
    path.write_text("the document\n")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "out").mkdir()
    return path


async def run(document: Path, script: str, limits: ProgramLimits = LIMITS) -> tuple[Ended, list[str]]:
    lines: list[str] = []
    ended = await run_program(
        SHELL, ("-c", script), limits, readable=document, writable=document.parent / "out", on_line=lines.append
    )
    return ended, lines


async def test_it_reads_its_file_and_writes_to_its_folder(document: Path) -> None:
    """Its output arrives line by line."""
    ended, lines = await run(document, "read line < ../document; echo made > made; echo $line; echo done")
    assert (ended.status, lines) == (0, ["the document", "done"])
    assert os.listdir(document.parent / "out") == ["made"]


@pytest.mark.parametrize(
    "script",
    [
        "read line < {folder}/secret",
        "echo changed > {folder}/secret",
        "echo changed > {folder}/document",
        "read line < /etc/passwd",
        "read line < /proc/$PPID/environ",
        "exec /bin/ls /",
        "exec /usr/bin/env",
        "(true) && (true)",
        "kill -0 {pid}",
    ],
)
async def test_it_reaches_nothing_else(document: Path, script: str) -> None:
    """No other file, no other program, no other process, not even a child."""
    ended, _ = await run(document, script.format(folder=document.parent, pid=os.getpid()))
    assert ended.status != 0
    assert os.stat(document.parent / "secret").st_size == len("secret")
    assert os.stat(document).st_size == len("the document\n")


async def test_it_has_no_secret(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's environment is not its own."""
    monkeypatch.setenv("DOCSTORE_INTERNAL_SECRET", "canary")
    _, lines = await run(document, "set")
    assert lines
    assert "canary" not in " ".join(lines)


@pytest.mark.parametrize(
    ("script", "limits", "reason"),
    [
        ("while :; do :; done", ProgramLimits(0.5, 20, 512, 1 << 20), "timed_out"),
        ("while :; do :; done", ProgramLimits(20, 1, 512, 1 << 20), "timed_out"),
        (
            "while :; do echo 0123456789abcdef0123456789abcdef; done > large",
            ProgramLimits(60, 60, 512, 1 << 20),
            "too_large",
        ),
        ("a=x; while :; do a=$a$a; done", ProgramLimits(60, 60, 128, 1 << 20), "out_of_memory|parser_crashed"),
    ],
    ids=["time", "processor", "file", "memory"],
)
async def test_it_is_limited(document: Path, script: str, limits: ProgramLimits, reason: str) -> None:
    """Each limit has its reason."""
    with pytest.raises(JobFailed, match=reason):
        await run(document, script, limits)


async def test_it_is_not_started_unconfined(document: Path) -> None:
    """A rule that the kernel refuses ends it before it begins."""
    script = document.parent / "no-program"
    script.write_text("")
    ended = await run_program(script, (), LIMITS, readable=document, writable=document.parent / "out")
    assert ended.status == 1


async def test_a_module_is_a_program_that_makes_folders(document: Path) -> None:
    """In its own folder, where a program makes none; it reaches nothing else, either."""
    out = document.parent / "out"
    with zipfile.ZipFile(document, "w") as archive:
        archive.writestr("a/b", "b")
    unpacked = await run_program(
        Module("zipfile"), ("-e", str(document), str(out)), LIMITS, readable=document, writable=out
    )
    assert (unpacked.status, os.listdir(out), os.listdir(out / "a")) == (0, ["a"], ["b"])
    for arguments in (("-c", str(out / "z"), str(document.parent / "secret")), ("-e", str(document), str(out.parent))):
        refused = await run_program(Module("zipfile"), arguments, LIMITS, readable=document, writable=out)
        assert (refused.status, "Permission denied" in refused.stderr) == (1, True)


async def test_a_module_reads_what_it_was_given(document: Path) -> None:
    """Besides its file."""
    secret, out = document.parent / "secret", document.parent / "out"
    secret.write_text("[1]")
    given = Module("json.tool", (secret,))
    ended = await run_program(given, (str(secret), str(out / "made")), LIMITS, readable=document, writable=out)
    assert (ended.status, (out / "made").read_text()) == (0, "[\n    1\n]\n")

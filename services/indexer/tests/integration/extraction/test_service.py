"""Text out of real documents, and what broken and hostile ones can do: cost a worker, never the service."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import indexer_documents as documents
import pytest

from docstore_indexer.extraction.limits import ExtractionLimits
from docstore_indexer.extraction.rules import (
    Corrupt,
    Encrypted,
    ExtractedText,
    ExtractionFailed,
    OutOfMemory,
    TimedOut,
    TooLarge,
    Unsupported,
)
from docstore_indexer.extraction.service import Extractor
from docstore_platform.testing import eventually


@pytest.fixture(scope="module")
async def extractor() -> AsyncIterator[Extractor]:
    extractor = Extractor()
    yield extractor
    await extractor.close()


async def extract(extractor: Extractor, folder: Path, name: str, data: bytes) -> ExtractedText:
    """As the service does: from a temporary file with a random name."""
    path = folder / "download"
    path.write_bytes(data)
    return await extractor.extract(path, "application/octet-stream", name)


def process_exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", documents.pdf("A zebra crossing", "second page")),
        ("a.docx", documents.word("A zebra crossing")),
        ("a.xlsx", documents.spreadsheet("A zebra crossing")),
        ("a.pptx", documents.slides("A zebra crossing")),
        ("a.odt", documents.open_document("A zebra crossing")),
        ("a.html", b"<html><script>x()</script><body><h1>A zebra crossing</h1></body></html>"),
        ("a.rtf", rb"{\rtf1\ansi A zebra crossing\par}"),
        ("a.xml", b"<a><b>A zebra crossing</b></a>"),
        ("a.eml", documents.email("A zebra crossing", "hello")),
        ("a.md", b"# A zebra crossing"),
    ],
)
async def test_text_of_each_type(extractor: Extractor, tmp_path: Path, name: str, data: bytes) -> None:
    """Every document type of the product gives its words and none of its markup."""
    found = await extract(extractor, tmp_path, name, data)
    assert "A zebra crossing" in " ".join(found.text.split())
    assert "x()" not in found.text
    assert not found.ocr
    assert not found.truncated


async def test_a_page_keeps_every_cell_and_its_character_set(extractor: Extractor, tmp_path: Path) -> None:
    """HTML as people write it: unclosed cells, inline markup inside a word, a declared character set."""
    page = "<meta charset=latin2><style>p{}</style><p>pre<b>fix</b> &amp; Łódź<table><tr><td>one<td>two<tr><td>three"
    found = await extract(extractor, tmp_path, "a.html", page.encode("latin2"))
    assert found.text.split() == ["prefix", "&", "Łódź", "one", "two", "three"]


async def test_words_in_a_picture_are_read(extractor: Extractor, tmp_path: Path) -> None:
    """An image of text is read by OCR."""
    found = await extract(extractor, tmp_path, "photo.png", documents.png("Invoice from Acme Trading"))
    assert "Invoice from Acme Trading" in found.text
    assert found.ocr


async def test_scanned_pages_are_read_beside_text_pages(extractor: Extractor, tmp_path: Path) -> None:
    """In a PDF only the pages without a text layer are read by OCR, and the order of pages is kept."""
    data = documents.scanned_pdf("Invoice from Acme Trading", text_page="Cover letter to Acme")
    found = await extract(extractor, tmp_path, "scan.pdf", data)
    assert found.text.index("Cover letter to Acme") < found.text.index("Acme")
    assert (found.pages, found.ocr) == (2, True)


async def test_attachments_are_read_with_their_message(extractor: Extractor, tmp_path: Path) -> None:
    """A message is found by what is attached to it; an attachment that can't be read does not hide it."""
    broken, good = ("broken.pdf", b"%PDF-1.4 no"), ("offer.docx", documents.word("walrus price list"))
    found = await extract(extractor, tmp_path, "mail.eml", documents.email("Offer", "see below", broken, good))
    assert "see below" in found.text
    assert "walrus price list" in found.text
    assert "broken.pdf" in found.text


async def test_messages_nest_only_once(extractor: Extractor, tmp_path: Path) -> None:
    """A message in a message is read, its own attachments are not: nesting is bounded."""
    data = documents.email("innermost", "level zero", ("deep.txt", b"too deep"))
    for level in ("one", "two"):
        data = documents.email(f"level {level}", level, (f"{level}.eml", data))
    found = await extract(extractor, tmp_path, "mail.eml", data)
    assert "level one" in found.text
    assert "too deep" not in found.text


async def test_an_archive_in_a_document_stays_closed(extractor: Extractor, tmp_path: Path) -> None:
    """A nested archive, bomb or not, is never opened; the document around it is read."""
    bomb = documents.zipped({"zeros": bytes(50_000_000)})
    nested = documents.zipped(
        {"word/embeddings/bomb.zip": documents.zipped({"inner.zip": bomb})}, documents.word("shell")
    )
    assert "shell" in (await extract(extractor, tmp_path, "a.docx", nested)).text


@pytest.mark.parametrize(
    ("name", "make", "error", "reason"),
    [
        ("a.pdf", lambda: b"%PDF-1.7 and then rubbish" * 20, Corrupt, "corrupt"),
        ("a.docx", lambda: b"PK\x03\x04 and then rubbish", Corrupt, "corrupt"),
        ("a.png", lambda: b"\x89PNG\r\n\x1a\n and then rubbish", Corrupt, "corrupt"),
        ("a.pdf", lambda: documents.pdf("hidden", password="secret"), Encrypted, "encrypted"),
        ("a.docx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), Encrypted, "encrypted"),
        ("a.odt", lambda: documents.open_document("x", "<m><encryption-data/></m>"), Encrypted, "encrypted"),
        ("a.docx", lambda: documents.entity_bomb(), Corrupt, "forbidden_xml"),
        (
            "a.docx",
            lambda: documents.zipped({"word/media/big.bin": bytes(300_000_000)}, documents.word("x")),
            TooLarge,
            "archive_bomb",
        ),
        (
            "a.xlsx",
            lambda: documents.zipped({f"{n}.xml": b"" for n in range(10_001)}),
            TooLarge,
            "archive_bomb",
        ),
        ("a.zip", lambda: documents.zipped({"a.txt": b"text"}), Unsupported, "unsupported_type"),
        ("a.txt", lambda: bytes(range(32)) * 9, Unsupported, "binary_content"),
    ],
)
async def test_an_unreadable_document_has_a_reason(
    extractor: Extractor,
    tmp_path: Path,
    name: str,
    make: Callable[[], bytes],
    error: type[ExtractionFailed],
    reason: str,
) -> None:
    """Broken, locked and hostile documents are distinguished by error class and stable code."""
    with pytest.raises(error) as caught:
        await extract(extractor, tmp_path, name, make())
    assert caught.value.reason == reason
    assert "fine" in (await extract(extractor, tmp_path, "a.docx", documents.word("fine"))).text


async def test_plain_xml_entities_are_not_expanded(extractor: Extractor, tmp_path: Path) -> None:
    """The billion laughs in a plain XML file stay a few bytes."""
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    bomb = b'<!DOCTYPE d [<!ENTITY l0 "lol">' + laughs + b"]><d>&l9; words</d>"
    assert len((await extract(extractor, tmp_path, "a.xml", bomb)).text) < 2000


async def test_an_empty_file_has_no_text_and_starts_no_worker(tmp_path: Path) -> None:
    """Zero bytes are not an error, whatever the type."""
    extractor = Extractor()
    for name in ("a.pdf", "a.txt", "a.docx"):
        assert await extract(extractor, tmp_path, name, b"") == ExtractedText("")
    assert extractor.pool.pids == []


async def test_text_is_cut_at_its_limit(tmp_path: Path) -> None:
    """Long text is kept in part and marked so, from the service itself and from a worker."""
    extractor = Extractor(ExtractionLimits(max_text_chars=100))
    try:
        for name, data in (("a.txt", b"word " * 100), ("a.docx", documents.word("word " * 100))):
            found = await extract(extractor, tmp_path, name, data)
            assert len(found.text) == 100
            assert found.truncated
    finally:
        await extractor.close()


async def test_size_and_type_are_refused_before_the_bytes_are_fetched(tmp_path: Path) -> None:
    """What the type or the size decides needs no download; text files are never too large."""
    extractor = Extractor(ExtractionLimits(max_document_bytes=1 << 20))
    with pytest.raises(TooLarge):
        extractor.refuse("application/pdf", "a.pdf", (1 << 20) + 1)
    with pytest.raises(TooLarge):
        await extract(extractor, tmp_path, "a.pdf", bytes((1 << 20) + 1))
    with pytest.raises(Unsupported):
        extractor.refuse("video/x-msvideo", "a.avi", 10)
    extractor.refuse("text/plain", "a.log", 1 << 40)
    assert extractor.bytes_wanted("text/plain", "a.log") == 2_000_000
    assert extractor.bytes_wanted("application/pdf", "a.pdf") is None


async def test_a_slow_document_is_given_up(tmp_path: Path) -> None:
    """Past its time a worker is killed; the next document gets a new one."""
    extractor = Extractor(ExtractionLimits(seconds=4))
    try:
        await extract(extractor, tmp_path, "warm.docx", documents.word("warm"))
        [before] = extractor.pool.pids
        os.kill(before, signal.SIGSTOP)  # as slow as a document can make it, however fast the machine
        with pytest.raises(TimedOut) as caught:
            await extract(extractor, tmp_path, "slow.docx", documents.word("slow"))
        assert caught.value.reason == "timed_out"
        assert "fine" in (await extract(extractor, tmp_path, "a.docx", documents.word("fine"))).text
        assert extractor.pool.pids != [before]
    finally:
        await extractor.close()


async def started_worker(extractor: Extractor) -> int:
    """The process that is at work, once there is one."""

    async def started() -> list[int]:
        return extractor.pool.pids

    [worker] = await eventually(started)
    return worker


async def test_a_document_that_needs_too_much_memory_is_given_up(tmp_path: Path) -> None:
    """The memory limit ends the worker with its own reason; the next document gets a new one."""
    extractor = Extractor(ExtractionLimits(memory_mb=200))
    try:
        with pytest.raises(OutOfMemory) as caught:
            await extract(extractor, tmp_path, "scan.pdf", documents.scanned_pdf("words"))
        assert caught.value.reason == "out_of_memory"
        assert "fine" in (await extract(extractor, tmp_path, "a.docx", documents.word("fine"))).text
    finally:
        await extractor.close()


async def test_a_worker_killed_at_work_is_replaced(tmp_path: Path) -> None:
    """The job of a worker that something killed is done by another."""
    extractor = Extractor()
    try:
        job = asyncio.create_task(extract(extractor, tmp_path, "scan.pdf", documents.scanned_pdf("Acme Trading")))
        victim = await started_worker(extractor)
        os.kill(victim, signal.SIGKILL)
        assert "Acme" in (await job).text
        assert victim not in extractor.pool.pids
    finally:
        await extractor.close()


async def test_a_crash_of_the_parser_is_the_documents_fault(tmp_path: Path) -> None:
    """A parser that dies by a fault of its own is not tried again with the same document."""
    extractor = Extractor()
    try:
        job = asyncio.create_task(extract(extractor, tmp_path, "scan.pdf", documents.scanned_pdf("Acme Trading")))
        victim = await started_worker(extractor)
        os.kill(victim, signal.SIGSEGV)
        with pytest.raises(Corrupt) as caught:
            await job
        assert caught.value.reason == "parser_crashed"
    finally:
        await extractor.close()


async def test_an_idle_worker_ends(tmp_path: Path) -> None:
    """No worker runs before the first job, one stays warm after it, none after the idle time."""
    one, two = documents.word("one"), documents.word("two")
    extractor = Extractor(ExtractionLimits(idle_seconds=2))
    assert extractor.pool.pids == []
    await extract(extractor, tmp_path, "a.docx", one)
    [warm] = extractor.pool.pids
    await extract(extractor, tmp_path, "a.docx", two)
    assert extractor.pool.pids == [warm]

    async def ended() -> bool:
        return not extractor.pool.pids and not process_exists(warm)

    await eventually(ended)


async def test_a_worker_holds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the service, where its secrets are, does not reach a worker."""
    monkeypatch.setenv("DOCSTORE_INTERNAL_SECRET", "canary-secret")
    extractor = Extractor()
    try:
        await extract(extractor, tmp_path, "a.docx", documents.word("x"))
        [pid] = extractor.pool.pids
        assert b"canary-secret" not in environment_of(pid)
    finally:
        await extractor.close()


async def test_a_worker_is_limited(tmp_path: Path) -> None:
    """Memory, files and core dumps are bounded by the kernel, not by good will."""
    extractor = Extractor(ExtractionLimits(memory_mb=700, max_document_bytes=50 << 20, seconds=30))
    try:
        await extract(extractor, tmp_path, "a.docx", documents.word("x"))
        [pid] = extractor.pool.pids
        assert resource.prlimit(pid, resource.RLIMIT_AS)[1] == 700 << 20
        assert resource.prlimit(pid, resource.RLIMIT_FSIZE)[1] == 50 << 20
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE)[1] == 64
        assert resource.prlimit(pid, resource.RLIMIT_CORE)[1] == 0
    finally:
        await extractor.close()


SERVICE = """
import asyncio, sys
from pathlib import Path
from docstore_indexer.extraction.service import Extractor

async def main():
    extractor = Extractor()
    await extractor.extract(Path(sys.argv[1]), "", "a.docx")
    job = asyncio.create_task(extractor.extract(Path(sys.argv[2]), "", "a.pdf"))
    await asyncio.sleep(0)
    print(extractor.pool.pids[0], flush=True)
    await job

asyncio.run(main())
"""


@pytest.mark.faults
async def test_a_busy_worker_ends_with_its_service(tmp_path: Path) -> None:
    """Kill -9 of the service leaves no worker behind, not even one in the middle of a long job."""
    office, scan = tmp_path / "a.docx", tmp_path / "a.pdf"
    office.write_bytes(documents.word("x"))
    scan.write_bytes(documents.scanned_pdf(*["many words to read"] * 20))
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVICE, str(office), str(scan), stdout=asyncio.subprocess.PIPE
    )
    assert service.stdout is not None
    worker = int(await service.stdout.readline())

    async def busy() -> list[int]:
        return [pid for pid in jobs_of(worker) if processor_seconds(pid) > 0.5]

    [job] = await eventually(busy)
    service.kill()
    await service.wait()

    async def ended() -> bool:
        return not process_exists(worker) and not process_exists(job)

    await eventually(ended, seconds=2)


def jobs_of(pid: int) -> list[int]:
    return [int(job) for job in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def processor_seconds(pid: int) -> float:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11]) / os.sysconf("SC_CLK_TCK")


async def test_jobs_wait_for_a_free_worker(tmp_path: Path) -> None:
    """Ten documents at once use one worker and all get their own text."""
    extractor = Extractor()
    try:
        jobs = []
        for number in range(10):
            folder = tmp_path / str(number)
            folder.mkdir()
            jobs.append(extract(extractor, folder, "a.docx", documents.word(f"document {number}")))
        texts = [found.text for found in await asyncio.gather(*jobs)]
        assert texts == [f"document {number}" for number in range(10)]
        assert len(extractor.pool.pids) == 1
    finally:
        await extractor.close()


async def test_a_given_up_job_frees_its_worker(tmp_path: Path) -> None:
    """A cancelled extraction leaves no worker busy with it."""
    extractor = Extractor()
    try:
        job = asyncio.create_task(extract(extractor, tmp_path, "scan.pdf", documents.scanned_pdf("words")))
        victim = await started_worker(extractor)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert victim not in extractor.pool.pids
        assert "fine" in (await extract(extractor, tmp_path, "a.docx", documents.word("fine"))).text
    finally:
        await extractor.close()

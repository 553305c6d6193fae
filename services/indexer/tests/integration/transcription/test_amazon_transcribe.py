"""Transcription by Amazon, against an independent implementation of its services."""

import asyncio
from collections.abc import Iterator

import pytest
from aws_transcription import KEYS, REGION, Amazon, running_amazon
from pydantic import ValidationError

from docstore_indexer.extraction.rules import ExtractedText, ExtractionFailed
from docstore_indexer.settings import IndexerSettings
from docstore_indexer.transcription import amazon_transcribe
from docstore_indexer.transcription.amazon_transcribe import AmazonTranscriber
from docstore_indexer.transcription.transcriber import Recording, TranscriptionPending, TranscriptionUnavailable
from docstore_platform.ids import new_id
from docstore_platform.settings import InfraSettings


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Amazon]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with running_amazon(new_id()) as amazon:
        yield amazon


def transcriber(amazon: Amazon, endpoint: str = "") -> AmazonTranscriber:
    return AmazonTranscriber(amazon.bucket, REGION, endpoint or amazon.endpoint, 1 << 20, 10.0)


def recording(id_: str, name: str = "memo.mp3", content_type: str = "", languages: tuple[str, ...] = ()) -> Recording:
    async def data() -> bytes:
        return b"sound"

    return Recording(id_, name, content_type, languages, data)


async def until_done(one: AmazonTranscriber, what: Recording) -> None:
    """Ask until Amazon has finished the job, but for reading its words."""
    for _ in range(3):
        with pytest.raises(TranscriptionPending):
            await one.transcribe(what, 100)


async def test_a_recording_becomes_words_and_leaves_nothing(amazon: Amazon) -> None:
    """The copy has no name; text is cut at its limit; job, copy and transcript stay until the text is stored."""
    one, what = transcriber(amazon), recording("f1 key", "Board meeting.mp3")
    await until_done(one, what)
    (job,) = amazon.jobs
    assert amazon.objects() == [f"recordings/{job}"]
    assert amazon.s3.get_object(Bucket=amazon.bucket, Key=f"recordings/{job}")["Body"].read() == b"sound"
    amazon.speak(job, "The walrus", "sings.")
    for _ in range(2):
        assert await one.transcribe(what, 14) == ExtractedText("The walrus sin", truncated=True)
    await one.forget(what.id)
    assert (amazon.objects(), dict(amazon.jobs)) == ([], {})
    await one.forget(what.id)


async def test_no_recording_is_paid_for_twice(amazon: Amazon) -> None:
    """Neither when several instances begin at once, nor when one dies before it has noted anything."""
    what = recording("f1 key")
    begun = await asyncio.gather(*(transcriber(amazon).transcribe(what, 100) for _ in range(4)), return_exceptions=True)
    assert {type(one) for one in begun} == {TranscriptionPending}
    assert len(amazon.jobs) == 1
    with pytest.raises(TranscriptionPending):
        await transcriber(amazon).transcribe(recording("f1 new key"), 100)
    assert len(amazon.jobs) == 2, "another version has a job of its own"


@pytest.mark.parametrize(
    ("languages", "asked"),
    [
        ((), (None, True, None)),
        (("deu",), ("de-DE", None, None)),
        (("deu", "kor"), (None, True, ["de-DE", "ko-KR"])),
        (("deu", "lat"), (None, True, None)),
    ],
)
async def test_the_language_is_the_accounts_or_identified(
    amazon: Amazon, languages: tuple[str, ...], asked: tuple[str | None, bool | None, list[str] | None]
) -> None:
    """One that Amazon does not know must not exclude itself: then any may be spoken."""
    with pytest.raises(TranscriptionPending):
        await transcriber(amazon).transcribe(recording("f1 key", languages=languages), 100)
    (job,) = amazon.jobs.values()
    assert (job.language_code, job.identify_language, job.language_options) == asked


@pytest.mark.parametrize(
    ("name", "content_type", "media_format"),
    [("a.opus", "", "ogg"), ("A.MP4", "", "mp4"), ("memo", "audio/mpeg; x=y", "mp3"), ("a.m4a", "audio/mp4", "m4a")],
)
async def test_the_format_is_named(amazon: Amazon, name: str, content_type: str, media_format: str) -> None:
    """By the extension, otherwise by the type."""
    with pytest.raises(TranscriptionPending):
        await transcriber(amazon).transcribe(recording("f1 key", name, content_type), 100)
    (job,) = amazon.jobs.values()
    assert job.media_format == media_format


async def test_an_unsupported_format_is_not_sent_to_amazon(amazon: Amazon) -> None:
    """It is refused before it is copied."""
    with pytest.raises(ExtractionFailed) as refused:
        await transcriber(amazon).transcribe(recording("f1 key", "a.aac", "audio/aac"), 100)
    assert refused.value.reason == "transcription_refused"
    assert (amazon.objects(), dict(amazon.jobs)) == ([], {})


async def test_a_failed_job_is_not_begun_again(amazon: Amazon) -> None:
    """Its recording has no text."""
    one, what = transcriber(amazon), recording("f1 key")
    await until_done(one, what)
    (job,) = amazon.jobs.values()
    job.status = "FAILED"
    for _ in range(2):
        with pytest.raises(ExtractionFailed) as failed:
            await one.transcribe(what, 100)
        assert failed.value.reason == "transcription_refused"
    await one.forget(what.id)
    assert (amazon.objects(), dict(amazon.jobs)) == ([], {})


async def test_a_lost_transcript_is_made_again(amazon: Amazon) -> None:
    """The lifecycle of the bucket deletes what waited for too long."""
    one, what = transcriber(amazon), recording("f1 key")
    await until_done(one, what)
    with pytest.raises(TranscriptionPending):
        await one.transcribe(what, 100)
    assert dict(amazon.jobs) == {}
    with pytest.raises(TranscriptionPending):
        await one.transcribe(what, 100)
    assert len(amazon.jobs) == 1


async def test_a_transcript_is_bounded(amazon: Amazon, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not read beyond its limit; a malformed one is asked for again later."""
    one, what = transcriber(amazon), recording("f1 key")
    await until_done(one, what)
    (job,) = amazon.jobs
    amazon.write(job, b"no json")
    with pytest.raises(TranscriptionUnavailable):
        await one.transcribe(what, 100)
    monkeypatch.setattr(amazon_transcribe, "MAX_TRANSCRIPT_BYTES", 5)
    with pytest.raises(ExtractionFailed) as refused:
        await one.transcribe(what, 100)
    assert refused.value.reason == "too_large"


async def test_an_unreachable_amazon_is_asked_again_later(amazon: Amazon) -> None:
    """Forgetting does not fail: the lifecycle of the bucket deletes what stays."""
    one = transcriber(amazon, "http://127.0.0.1:9")
    with pytest.raises(TranscriptionUnavailable):
        await one.transcribe(recording("f1 key"), 100)
    await one.forget("f1 key")


async def test_a_missing_bucket_is_asked_for_again_later(amazon: Amazon) -> None:
    """Its operator can create it."""
    one = AmazonTranscriber("other-bucket", REGION, amazon.endpoint, 1 << 20, 10.0)
    with pytest.raises(TranscriptionUnavailable, match="NoSuchBucket"):
        await one.transcribe(recording("f1 key"), 100)
    assert dict(amazon.jobs) == {}


def test_there_is_one_transcriber() -> None:
    """Two settings name one each."""
    with pytest.raises(ValidationError, match="not both"):
        IndexerSettings(infra=InfraSettings(), transcription_url="http://127.0.0.1/v1", transcription_bucket="b")

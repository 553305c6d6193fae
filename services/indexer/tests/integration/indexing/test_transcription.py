"""Speech becomes searchable where an endpoint is set."""

from pathlib import Path

import pytest
from aws_transcription import KEYS, busy, running_amazon
from indexer_world import World
from transcription_endpoint import running_endpoint

from docstore_indexer.indexing import worker
from docstore_indexer.transcription import amazon_transcribe
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected
DATA = Path(__file__).parents[2] / "data"


async def test_speech_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Audio, and a video without subtitles, are sent to the endpoint, again after a failure; others are not."""
    monkeypatch.setattr(worker, "MAX_PAUSE_SECONDS", 0.1)
    async with running_endpoint() as endpoint:
        endpoint.replies.insert(0, (503, ""))
        settings = {"transcription_url": endpoint.url, "transcription_key": "sk-1", "transcription_max_bytes": 5000}
        async with world.running(**settings):
            ann, bob = await world.person("premium"), await world.person("free")
            await world.add(ann, "memo.mp3", b"sound")
            await world.add(ann, "silent.mp4", (DATA / "silent.mp4").read_bytes())
            await world.add(ann, "film.mp4", (DATA / "subtitles.mp4").read_bytes())
            large = await world.add(ann, "long.mp3", b"sound" * 1001)
            await world.add(bob, "free.mp3", b"free")
            await world.finds(ann, "sings", "memo.mp3", "silent.mp4", scope="content")
            await world.finds(ann, "swims", "film.mp4", scope="content")
            [event] = await world.until_published(large.file_id, "file-index-failed")
            assert event["reason"] == "unsupported_type"
            await world.settled()
            assert sorted(call["filename"] for call in endpoint.calls) == ["recording.mp3"] * 2 + ["recording.mp4"]


async def test_amazon_transcribes_while_others_are_indexed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its jobs hold up no one, survive a restart of the service without a second one, and leave nothing."""
    monkeypatch.setattr(amazon_transcribe, "POLL_SECONDS", 0.1)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with running_amazon(new_id()) as amazon:
        settings = {"transcription_bucket": amazon.bucket, "transcription_aws_endpoint": amazon.endpoint}
        with busy():
            async with world.running(**settings):
                ann, bob = await world.person("premium"), await world.person("free")
                await world.add(ann, "memo.mp3", b"sound")
                await world.add(ann, "silent.mp4", (DATA / "silent.mp4").read_bytes())
                await world.add(bob, "free.mp3", b"free")

                async def begun() -> bool:
                    return len(amazon.jobs) == 2

                await eventually(begun)
                await world.add(ann, "note.txt", b"a marmot")
                await world.finds(ann, "marmot", "note.txt", scope="content")
                await world.finds(ann, "memo", "memo.mp3")
            before = list(amazon.jobs.values())
            for job in amazon.jobs:
                amazon.speak(job, "The walrus sings.")
            async with world.running(**settings):
                await world.add(ann, "later.txt", b"a badger")
                await world.finds(ann, "badger", "later.txt", scope="content")
                assert list(amazon.jobs.values()) == before
        async with world.running(**settings):
            await world.finds(ann, "walrus", "memo.mp3", "silent.mp4", scope="content")

            async def gone() -> bool:
                return not amazon.jobs and not amazon.objects()

            await eventually(gone)


async def test_a_refused_recording_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found by its name; its copy is deleted."""
    monkeypatch.setattr(amazon_transcribe, "POLL_SECONDS", 0.1)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with running_amazon(new_id()) as amazon:
        settings = {"transcription_bucket": amazon.bucket, "transcription_aws_endpoint": amazon.endpoint}
        async with world.running(**settings):
            ann = await world.person("premium")
            with busy():
                memo = await world.add(ann, "memo.mp3", b"noise")

                async def begun() -> bool:
                    return bool(amazon.jobs)

                await eventually(begun)
                for job in amazon.jobs.values():
                    job.status = "FAILED"
            [event] = await world.until_published(memo.file_id, "file-index-failed")
            assert event["reason"] == "transcription_refused"

            async def gone() -> bool:
                return not amazon.jobs and not amazon.objects()

            await eventually(gone)


async def test_nothing_is_sent_unless_an_endpoint_is_set(running: World) -> None:
    """Then audio is found by its name."""
    ann = await running.person("premium")
    memo = await running.add(ann, "memo.mp3", b"sound")
    [event] = await running.until_published(memo.file_id, "file-index-failed")
    assert event["reason"] == "unsupported_type"
    await running.finds(ann, "memo", "memo.mp3")

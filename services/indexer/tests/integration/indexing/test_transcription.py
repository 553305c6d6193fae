"""Speech becomes searchable where an endpoint is set."""

from pathlib import Path

import pytest
from indexer_world import World
from transcription_endpoint import running_endpoint

from docstore_indexer.indexing import worker

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


async def test_nothing_is_sent_unless_an_endpoint_is_set(running: World) -> None:
    """Then audio is found by its name."""
    ann = await running.person("premium")
    memo = await running.add(ann, "memo.mp3", b"sound")
    [event] = await running.until_published(memo.file_id, "file-index-failed")
    assert event["reason"] == "unsupported_type"
    await running.finds(ann, "memo", "memo.mp3")

"""Limits of bytes a second, by a clock of the test."""

from pathlib import Path

import pytest
from fake_docstore import FakeDocStore

from docstore_client import AsyncClient, Options, Source
from docstore_client.network.bandwidth import TokenBucket


class Clock:
    """Time passes only where someone waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_a_limit_holds_over_many_pieces() -> None:
    """Ten pieces of 100 bytes at 100 bytes a second end no sooner than the tenth may begin, after 9 seconds."""
    clock = Clock()
    bucket = TokenBucket(100, clock=clock, sleep=clock.sleep)
    for _ in range(10):
        await bucket.take(100)
    assert clock.now == pytest.approx(109.0)


async def test_a_pause_is_not_caught_up() -> None:
    """After an idle hour, the limit is what it was."""
    clock = Clock()
    bucket = TokenBucket(100, clock=clock, sleep=clock.sleep)
    clock.now += 3600
    for _ in range(3):
        await bucket.take(100)
    assert clock.now == pytest.approx(100 + 3600 + 2)


async def test_without_a_limit_nothing_waits() -> None:
    """Whatever passes."""
    clock = Clock()
    await TokenBucket(None, clock=clock, sleep=clock.sleep).take(1 << 40)
    assert clock.now == 100.0


@pytest.mark.parametrize("size", [300_000, 6_000_000], ids=["small", "in blocks"])
async def test_transfers_of_all_kinds_are_limited(
    server: FakeDocStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """What is sent and received passes the buckets, and arrives as it was."""
    passed: dict[int | None, int] = {1 << 40: 0, 1 << 41: 0}
    take = TokenBucket.take

    async def counted(bucket: TokenBucket, count: int) -> None:
        passed[bucket._rate] += count
        await take(bucket, count)

    monkeypatch.setattr(TokenBucket, "take", counted)
    content = bytes(range(256)) * (size // 256)
    (tmp_path / "a").write_bytes(content)
    options = Options(upload_limit=1 << 40, download_limit=1 << 41)
    async with AsyncClient(server.url, options=options) as client:
        file = await client.upload(Source(tmp_path / "a", "/a"))
        await client.download(file, tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == content
    assert all(passed.values())

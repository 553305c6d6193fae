"""Use cases and background work of previews, on fakes."""

from dataclasses import dataclass, field
from typing import cast

import pytest
from media_fakes import FakePictures, FakePreviews, FakeRenderer, FakeTransactor, NoVariants

from docstore_contents.s3.store import ObjectNotFound, ObjectStoreError
from docstore_contracts.metadata import MetadataClient
from docstore_events.transaction import Transaction, Transactor
from docstore_media.kinds import Kind
from docstore_media.previews.service import Batch, NamedVersion, PreviewService
from docstore_media.previews.worker import RenderingWorker
from docstore_media.rendering.failures import MAX_ATTEMPTS
from docstore_media.rules import RenderFailed, Source, version_key


@dataclass
class World:
    """The service and its worker, on fakes."""

    previews: FakePreviews = field(default_factory=FakePreviews)
    renderer: FakeRenderer = field(default_factory=FakeRenderer)
    pictures: FakePictures = field(default_factory=FakePictures)
    transactor: FakeTransactor = field(default_factory=FakeTransactor)

    def __post_init__(self) -> None:
        no_metadata = cast(MetadataClient, None)  # these use cases do not call it
        self.service = PreviewService(self.previews, no_metadata, self.pictures, seconds=600)
        transactor = cast(Transactor, self.transactor)
        self.worker = RenderingWorker(
            self.previews, self.renderer, self.pictures, NoVariants(), transactor, lease_seconds=60
        )

    async def apply(self, batch: Batch) -> None:
        async def work(transaction: Transaction) -> None:
            await self.service.apply(batch, transaction)

        await self.transactor.run(work)

    async def add(self, *sources: Source) -> None:
        batch = Batch()
        for source in sources:
            batch.add(source)
        await self.apply(batch)

    async def purge(self, file_id: str) -> None:
        batch = Batch()
        batch.drop_file(file_id)
        await self.apply(batch)


def picture(file_id: str = "f", *, sha256: str = "ab" * 32) -> Source:
    return Source(
        file_id=file_id,
        version=1,
        revision=1,
        owner_id="ann",
        kind=Kind.IMAGE,
        sha256=sha256,
        size=5,
        object_key=f"object of {file_id}",
    )


async def test_a_content_is_rendered_once_for_all_its_versions() -> None:
    """Two files wait for one rendering; a third finds its pictures ready. Each is published."""
    world = World()
    await world.add(picture("f"), picture("g"))
    assert await world.worker.render()
    assert not await world.worker.render()
    await world.add(picture("h"))
    assert world.transactor.events == ["preview-ready"] * 3
    assert len(world.pictures.stored) == 2
    names = [NamedVersion(file_id, 1, "a.png") for file_id in ("f", "none", "h")]
    first, none, third = await world.service.urls(names, "small")
    assert none is None
    assert first == third
    assert "/small.webp" in str(first)


async def test_a_content_that_cannot_be_rendered_fails_at_once() -> None:
    """The reason is the content's own: no retry."""
    world = World()
    world.renderer.errors["object of f"] = RenderFailed("corrupt")
    await world.add(picture())
    await world.worker.render()
    assert world.transactor.events == ["preview-failed"]
    assert await world.previews.ready(version_key("f", 1)) is None


async def test_a_missing_content_is_retried_and_then_fails() -> None:
    """Each attempt counts, after a longer pause than the one before."""
    world = World()
    world.renderer.errors["object of f"] = ObjectNotFound("NoSuchKey", "f")
    await world.add(picture())
    pauses = []
    for _ in range(MAX_ATTEMPTS):
        assert world.transactor.events == []
        await world.worker.render()
        pauses.append(world.previews.rows[picture().content].seconds)
        world.previews.make_due()
    assert world.transactor.events == ["preview-failed"]
    assert pauses[0] < pauses[2] < pauses[3]


@pytest.mark.parametrize("error", [ObjectStoreError("SlowDown", "later"), OSError("no space left")])
async def test_a_passing_error_costs_no_attempt(error: Exception) -> None:
    """The store or the disk is at fault: the content is rendered once that has passed, however long it took."""
    world = World()
    world.renderer.errors["object of f"] = error
    await world.add(picture())
    for _ in range(2 * MAX_ATTEMPTS):
        await world.worker.render()
        world.previews.make_due()
    world.renderer.errors.clear()
    await world.worker.render()
    assert world.transactor.events == ["preview-ready"]


async def test_nothing_is_claimed_without_a_sandbox() -> None:
    """Where contents can't be rendered safely they wait, without attempts."""
    world = World()
    world.renderer.ready = False
    await world.add(picture())
    assert not await world.worker.render()
    assert world.previews.rows[picture().content].rendition.attempts == 0


async def test_a_file_purged_while_it_is_rendered_leaves_no_pictures() -> None:
    """What the rendering stores meanwhile is deleted by the next removal."""
    world = World()

    async def purge() -> None:
        await world.purge("f")

    await world.add(picture())
    world.renderer.meanwhile = purge
    await world.worker.render()
    assert await world.worker.remove()
    assert not await world.worker.remove()
    assert world.pictures.stored == {}
    assert world.transactor.events == []


async def test_a_copy_keeps_the_pictures() -> None:
    """They are deleted with the last file that has the content."""
    world = World()
    await world.add(picture("f"), picture("g"))
    await world.worker.render()
    await world.purge("f")
    assert not await world.worker.remove()
    await world.purge("g")
    world.previews.make_due()
    assert await world.worker.remove()
    assert world.pictures.stored == {}

"""Previews, a renderer, pictures and transactions in memory."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

from docstore_contents.s3.store import ObjectInfo
from docstore_events.transaction import Transaction
from docstore_media.previews.outcomes import Outcome
from docstore_media.previews.repository import About, Ready
from docstore_media.rendering.videos import Progress
from docstore_media.rules import Facts, Rendered, Rendition, Source, Variant
from docstore_platform.mongodb.session import Session

T = TypeVar("T")
State = Literal["pending", "ready", "failed", "removing"]


@dataclass
class FakeTransactor:
    """Runs work once and collects the types of its events."""

    events: list[str] = field(default_factory=list)

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        transaction = Transaction(None, "media", "")
        result = await work(transaction)
        self.events += [dict(row["headers"])["ce_type"].decode() for row in transaction.rows]
        return result


@dataclass
class Row:
    """One rendition; due unless it is leased or postponed."""

    rendition: Rendition
    state: State = "pending"
    reason: str = ""
    is_due: bool = True
    seconds: float = 0
    """By how much it was postponed."""


class FakePreviews:
    """Renditions by content, and versions by key."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.versions: dict[str, Source] = {}

    async def add(self, sources: Sequence[Source], session: Session) -> list[tuple[Source, Outcome]]:
        done = []
        for source in sources:
            self.versions[source.key] = source
            row = self.rows.setdefault(source.content, Row(_rendition(source)))
            if row.state in ("ready", "failed"):
                done.append((source, Outcome(row.reason)))
        return done

    async def forget(self, file_ids: Collection[str], version_keys: Collection[str], session: Session) -> None:
        for key, source in list(self.versions.items()):
            if key in version_keys or source.file_id in file_ids:
                del self.versions[key]
        used = {source.content for source in self.versions.values()}
        for content in self.rows.keys() - used:
            self.rows[content].state = "removing"

    async def claim(self, state: Literal["pending", "removing"]) -> Rendition | None:
        row = next((row for row in self.rows.values() if row.is_due and row.state == state), None)
        if row is None:
            return None
        row.is_due = False
        row.rendition = replace(row.rendition, attempts=row.rendition.attempts + 1)
        return row.rendition

    async def object_keys(self, rendition_id: str) -> list[str]:
        return sorted({source.object_key for source in self.versions.values() if source.content == rendition_id})

    async def conclude(self, rendition: Rendition, outcome: Outcome, session: Session) -> list[Source] | None:
        row = self.rows[rendition.id]
        if row.state != "pending":
            return None
        row.state, row.reason = "failed" if outcome.reason else "ready", outcome.reason
        return [source for source in self.versions.values() if source.content == rendition.id]

    async def postpone(self, rendition: Rendition, seconds: float, *, faultless: bool) -> None:
        row = self.rows[rendition.id]
        row.seconds, row.is_due = seconds, row.state == "removing"
        if faultless:
            row.rendition = replace(rendition, attempts=rendition.attempts - 1, waits=rendition.waits + 1)

    def make_due(self) -> None:
        for row in self.rows.values():
            row.is_due = row.state in ("pending", "removing")

    async def remove(self, rendition: Rendition) -> None:
        del self.rows[rendition.id]

    async def due(self) -> list[str]:
        return sorted({row.state for row in self.rows.values() if row.is_due and row.state in ("pending", "removing")})

    async def ready(self, key: str) -> Ready | None:
        return (await self.ready_of([key])).get(key)

    async def ready_of(self, keys: Sequence[str]) -> dict[str, Ready]:
        sources = [self.versions[key] for key in keys if key in self.versions]
        return {
            source.key: Ready(source.owner_id, source.content, source.kind, source.size)
            for source in sources
            if self.rows[source.content].state == "ready"
        }

    async def about(self, key: str) -> About:
        return About()


def _rendition(source: Source) -> Rendition:
    return Rendition(
        id=source.content,
        owner_id=source.owner_id,
        kind=source.kind,
        size=source.size,
        attempts=0,
        waits=0,
        lease_owner="worker",
        traceparent=None,
    )


@dataclass
class FakeRenderer:
    """Two pictures of each content, or the error of its object."""

    errors: dict[str, Exception] = field(default_factory=dict)
    ready: bool = True
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """What happens while it renders."""

    async def render(self, rendition: Rendition, object_keys: Sequence[str]) -> Rendered:
        if self.meanwhile is not None:
            await self.meanwhile()
        for key in object_keys:
            if key in self.errors:
                raise self.errors[key]
        return Rendered({"small": b"small", "large": b"large"}, Facts())

    async def render_variant(self, variant: Variant, object_keys: Sequence[str]) -> bytes:
        raise AssertionError("no test here needs it")

    def converted(
        self, variant: Variant, object_keys: Sequence[str], progress: Progress
    ) -> AbstractAsyncContextManager[Path]:
        raise AssertionError("no test here needs it")


class NoVariants:
    """No one has asked for any."""

    async def discard(self, rendition_id: str) -> None:
        pass


@dataclass
class FakePictures:
    """The processed bucket."""

    stored: dict[str, bytes] = field(default_factory=dict)

    async def put(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
        self.stored[key] = data
        return ObjectInfo(key, len(data), "etag", None, content_type, {})

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None:
        raise AssertionError("no test here needs it")

    async def delete(self, key: str) -> None:
        self.stored.pop(key, None)

    def presign_get(self, key: str, *, filename: str, content_type: str, expires_in: int) -> str:
        return f"https://s3.example/{key}?{filename}"

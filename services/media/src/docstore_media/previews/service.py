"""Use cases of previews: apply events, return signed URLs."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Protocol

from docstore_contracts.metadata import MetadataClient
from docstore_events.transaction import Transaction
from docstore_media.previews.outcomes import outcome_event
from docstore_media.previews.repository import About, Previews, Ready
from docstore_media.rules import PICTURE_TYPE, Size, Source, rendition_key, version_key
from docstore_platform.errors import NotFound, not_found
from docstore_platform.security.tokens import Principal

RENDER_WAKEUP = "media:render"
RETRY_WAKEUP = "media:retries"
REMOVE_WAKEUP = "media:remove"
MAX_KEPT_SECONDS = 300


@dataclass(slots=True)
class Batch:
    """A batch of events: new versions in order, deleted versions and files."""

    sources: dict[str, Source] = field(default_factory=dict)
    pruned: set[str] = field(default_factory=set)
    purged: set[str] = field(default_factory=set)

    def add(self, source: Source) -> None:
        if source.file_id not in self.purged and source.key not in self.pruned:
            self.sources.setdefault(source.key, source)

    def drop_version(self, key: str) -> None:
        self.pruned.add(key)
        self.sources.pop(key, None)

    def drop_file(self, file_id: str) -> None:
        self.purged.add(file_id)
        self.sources = {key: source for key, source in self.sources.items() if source.file_id != file_id}


@dataclass(frozen=True, slots=True)
class Readable:
    """A file's current version as one account may read it: with a `watermark`, only as pictures that carry it."""

    version: int
    name: str
    watermark: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What there are pictures of: a version's content. `watermark`: the text that each of them must carry."""

    ready: Ready
    name: str
    watermark: str = ""


@dataclass(frozen=True, slots=True)
class NamedVersion:
    """A version of a file, and the file's name."""

    file_id: str
    version: int
    name: str

    @property
    def key(self) -> str:
        return version_key(self.file_id, self.version)


class Presigner(Protocol):
    def presign_get(self, key: str, *, filename: str, content_type: str, expires_in: int) -> str:
        """Return a URL of an object that works for `expires_in` seconds."""


@dataclass(slots=True)
class PreviewService:
    """Use cases of previews. Signed URLs work for `seconds`."""

    previews: Previews
    metadata: MetadataClient
    pictures: Presigner
    _: KW_ONLY
    seconds: int

    @property
    def kept_seconds(self) -> int:
        """How long a browser may cache a URL: for half its lifetime."""
        return min(MAX_KEPT_SECONDS, self.seconds // 2)

    async def apply(self, batch: Batch, transaction: Transaction) -> None:
        """Store new and deleted versions. Publish at once what was rendered before."""
        session = transaction.session
        if batch.sources:
            known = await self.previews.add(list(batch.sources.values()), session)
            for source, outcome in known:
                transaction.publish(outcome_event(source, outcome))
            transaction.wake_after(RENDER_WAKEUP)
        if batch.pruned or batch.purged:
            await self.previews.forget(batch.purged, batch.pruned, session)
            transaction.wake_after(REMOVE_WAKEUP)

    async def current(self, caller: Principal, file_id: str) -> Subject:
        """Return the file's current version, if it has pictures.

        NotFound `not_found` if the caller may not read it, `no_preview` if there are none.
        """
        file = await self._file(caller, file_id)
        return await self.subject(NamedVersion(file_id, file.version, file.name), file.watermark)

    async def subject(self, version: NamedVersion, watermark: str) -> Subject:
        """Return a version that may be seen with this watermark. NotFound `no_preview` if it has no pictures."""
        ready = await self.previews.ready(version.key)
        if ready is None:
            raise NotFound("This version of the file has no preview (yet).", code="no_preview")
        return Subject(ready, version.name, watermark)

    async def about(self, caller: Principal, file_id: str) -> tuple[int, About]:
        """Return the number of the file's current version, and what is known of its content. NotFound as above."""
        file = await self._file(caller, file_id)
        about = await self.previews.about(version_key(file_id, file.version))
        return file.version, replace(about, facts=about.facts.as_shown()) if file.watermark else about

    async def _file(self, caller: Principal, file_id: str) -> Readable:
        """Return the current version of a file that the caller may read."""
        found = await self.metadata.lookup_files(caller.account_id, [file_id], folder_id=caller.folder_id)
        file = found.get(file_id)
        if file is None:
            raise not_found("file")
        return Readable(file["version"], file["name"], file.get("watermark") or "")

    async def urls(self, files: Sequence[NamedVersion], size: Size) -> list[str | None]:
        """Return URLs of the previews of these versions; None where there is none.

        The caller has checked that each may be seen.
        """
        found = await self.previews.ready_of([file.key for file in files])
        return [self.signed(found[file.key], file.name, size) if file.key in found else None for file in files]

    def signed(self, found: Ready, name: str, size: Size) -> str:
        """Return a URL of a preview without watermark."""
        key = rendition_key(found.owner_id, found.rendition_id, size)
        filename = f"{name}.{size}.webp"
        return self.pictures.presign_get(key, filename=filename, content_type=PICTURE_TYPE, expires_in=self.seconds)

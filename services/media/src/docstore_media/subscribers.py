"""Handles events of files: new versions, new names, deleted versions and files."""

from docstore_contents.block_list import is_blocks
from docstore_events.catalogue.files import FileEvent, FilePurged, VersionPruned
from docstore_events.envelope import Envelope
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_media.kinds import Kind, kind_of
from docstore_media.previews.service import Batch, PreviewService
from docstore_media.rules import Source, version_key


class MediaSubscribers(Subscribers[Batch]):
    """`reads_office`: whether Office documents can be rendered."""

    def __init__(self, service: PreviewService, *, reads_office: bool) -> None:
        self._service = service
        self._reads_office = reads_office

    def begin(self) -> Batch:
        return Batch()

    async def commit(self, batch: Batch, transaction: Transaction) -> None:
        await self._service.apply(batch, transaction)

    def _add(self, envelope: Envelope[FileEvent], batch: Batch) -> None:
        """Add the version if it may have a preview. A new name may reveal the type that was not declared."""
        event, file = envelope.event, envelope.event.file
        kind = kind_of(file.content_type, file.name) if file.kind == "file" and file.size else None
        if kind is None or (kind is Kind.OFFICE and not self._reads_office):
            return
        batch.add(
            Source(
                file_id=file.file_id,
                version=file.version,
                revision=event.revision,
                owner_id=file.owner_id,
                kind=kind,
                sha256="" if is_blocks(file.object_key) else file.sha256,  # not verified for contents in blocks
                size=file.size,
                object_key=file.object_key,
                traceparent=envelope.traceparent,
            )
        )

    on_file_created = on_file_modified = on_file_moved = _add

    def on_version_pruned(self, envelope: Envelope[VersionPruned], batch: Batch) -> None:
        event = envelope.event
        batch.drop_version(version_key(event.file.file_id, event.pruned_version))

    def on_file_purged(self, envelope: Envelope[FilePurged], batch: Batch) -> None:
        file = envelope.event.file
        if file.kind == "file":
            batch.drop_file(file.file_id)

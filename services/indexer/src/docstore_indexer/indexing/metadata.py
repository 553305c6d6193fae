"""Converts files as metadata describes them, in its API and events, to the indexer's model."""

from docstore_contracts.files import FileEntry
from docstore_events.catalogue.files import FileState
from docstore_indexer.indexing.rules import File


def file_of_entry(entry: FileEntry) -> File:
    return file_of(FileState.model_validate(entry["file"]), entry["revision"], trashed=entry["trashed"])


def file_of(state: FileState, revision: int, *, trashed: bool = False, purged: bool = False) -> File:
    return File(
        file_id=state.file_id,
        revision=revision,
        owner_id=state.owner_id,
        readers=state.readers,
        kind=state.kind,
        name=state.name,
        tags=state.tags,
        metadata=state.metadata,
        content_type=state.content_type,
        size=state.size,
        version=state.version,
        created_at=state.created_at,
        modified_at=state.modified_at,
        object_key=state.object_key,
        trashed=trashed,
        purged=purged,
    )


def is_root(state: FileState) -> bool:
    """Whether it is the root folder, which has no name and is not searched."""
    return state.file_id == state.owner_id

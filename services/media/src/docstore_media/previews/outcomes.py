"""Event of a version after its content was rendered."""

from dataclasses import dataclass

from docstore_events.catalogue.files import PreviewFailed, PreviewReady
from docstore_media.rules import Source


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of rendering a content: pictures, or the `reason` why there are none."""

    reason: str = ""


def outcome_event(source: Source, outcome: Outcome) -> PreviewReady | PreviewFailed:
    revision, file_id, owner_id, version = source.revision, source.file_id, source.owner_id, source.version
    if outcome.reason:
        return PreviewFailed(
            revision=revision, file_id=file_id, owner_id=owner_id, version=version, reason=outcome.reason
        )
    return PreviewReady(revision=revision, file_id=file_id, owner_id=owner_id, version=version, of=source.kind.value)

"""Outcome of rendering a content, and the event that publishes it for each version."""

from dataclasses import dataclass
from typing import Literal

from docstore_events.catalogue.files import PreviewFailed, PreviewReady
from docstore_media.kinds import Kind
from docstore_media.rules import NO_FACTS, Facts, Source

PublicKind = Literal["image", "pdf", "video"]


_PUBLIC_KINDS: dict[Kind, PublicKind] = {
    Kind.IMAGE: "image",
    Kind.OFFICE: "pdf",
    Kind.PDF: "pdf",
    Kind.SVG: "image",
    Kind.VIDEO: "video",
}


def public_kind(kind: Kind) -> PublicKind:
    """Return the kind that clients know: a vector image is an image, an Office document has pages as a PDF."""
    return _PUBLIC_KINDS[kind]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of rendering a content: pictures, or the `reason` why there are none; and the facts in it."""

    reason: str = ""
    facts: Facts = NO_FACTS


def outcome_event(source: Source, outcome: Outcome) -> PreviewReady | PreviewFailed:
    revision, file_id, owner_id, version = source.revision, source.file_id, source.owner_id, source.version
    if outcome.reason:
        return PreviewFailed(
            revision=revision, file_id=file_id, owner_id=owner_id, version=version, reason=outcome.reason
        )
    return PreviewReady(
        revision=revision,
        file_id=file_id,
        owner_id=owner_id,
        version=version,
        of=public_kind(source.kind),
        taken_at=outcome.facts.taken_at,
    )

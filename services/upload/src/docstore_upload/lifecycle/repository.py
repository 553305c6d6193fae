"""What the MongoDB repositories of uploads, packs and blocks share."""

from docstore_platform.clock import Clock
from docstore_platform.mongo import Collection, Document
from docstore_upload.lifecycle.rules import Refusal
from docstore_work.lease_queue import LeaseQueue

LEASE_SECONDS = 60.0


def work_queue(collection: Collection, name: str, lease_seconds: float, clock: Clock) -> LeaseQueue:
    """The queue of what is due in a collection. The release before shares its documents: same field, own token."""
    return LeaseQueue(
        collection, name, lease_seconds=lease_seconds, legacy_owner="lease", due_field="next_check_at", clock=clock
    )


def merged(*updates: Document) -> Document:
    """One update of several, by operator; of two values for one field the last counts."""
    result: Document = {}
    for update in updates:
        for operator, fields in update.items():
            result[operator] = result.get(operator, {}) | fields
    return result


def refusal_document(refusal: Refusal) -> Document:
    return {"status": refusal.status, "code": refusal.code, "detail": refusal.detail}

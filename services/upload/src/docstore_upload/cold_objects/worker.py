"""Background work: moves objects that only unused contents need to a colder storage class."""

from collections.abc import Sequence

import structlog

from docstore_contents.s3.storage_classes import ARCHIVE_CLASSES
from docstore_contents.s3.store import ObjectNotFound, ObjectStore, ObjectStoreError, ObjectStoreUnavailable
from docstore_platform.clock import Clock
from docstore_upload.cold_objects.ports import ColdObjects
from docstore_upload.cold_objects.rules import MIN_BYTES
from docstore_upload.lifecycle.worker import DueWork, Step
from docstore_upload.metrics import cold_bytes_total
from docstore_upload.settings import UploadSettings
from docstore_work.lease_queue import Lease, LeaseLost

log = structlog.get_logger(__name__)
REFUSED_SECONDS = 86_400.0
"""Pause after the store has refused a move: an operator must act."""


class ColdObjectsWorker(DueWork[Lease]):
    """An interrupted move is repeated when its lease ends; until then the object counts as archived."""

    name = "cold objects"
    batch = 20

    def __init__(self, objects: ColdObjects, store: ObjectStore, settings: UploadSettings, clock: Clock) -> None:
        super().__init__(settings, clock)
        self._objects = objects
        self._store = store
        self._class = settings.infra.archive_class
        self._is_archive = self._class in ARCHIVE_CLASSES

    async def claim_due(self, limit: int) -> list[Lease]:
        return await self._objects.claim(limit)

    def step(self, due: Lease) -> Step[Lease]:
        return self._move_all

    async def _move_all(self, leases: Sequence[Lease]) -> None:
        for lease in leases:
            try:
                await self._move(lease)
            except LeaseLost:
                log.info("cold_object_in_use", key=lease.id)
            except ObjectStoreUnavailable as error:  # it may have moved: due again when the lease ends
                log.warning("cold_object_store_unavailable", key=lease.id, error=str(error))

    async def _move(self, lease: Lease) -> None:
        key: str = lease.id
        state = await self._store.stored_state(key)
        if state is None or state.size < MIN_BYTES:
            await self._objects.complete_move(lease, archived=False)
            return
        if self._is_archive:
            await self._objects.begin_move(lease)
        try:
            if state.storage_class != self._class:
                await self._store.change_class(state, self._class)
                cold_bytes_total.inc(state.size)
            await self._objects.complete_move(lease, archived=self._is_archive)
        except ObjectNotFound:
            await self._objects.complete_move(lease, archived=False)
        except ObjectStoreUnavailable:
            raise
        except ObjectStoreError as error:
            log.error("cold_object_not_moved", key=key, error=str(error))
            await self._objects.put_off(lease, REFUSED_SECONDS)

"""Initiation of transfers: metadata checks the targets, quota reserves the bytes, then the transfer is stored.

Any number of files cost one request to metadata, one to quota for each owner, and one write, which concurrent requests
share. Quota reserves while metadata checks, where all files go to the caller's own tree, and once more if some of them
are refused. The write stores each transfer with the event of its initiation, which the next transaction about the
transfer publishes: mostly that of its completion, else the worker's. After a crash, a reservation without a transfer
ends when it expires.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from docstore_contracts.metadata import WriteAllowed, WriteTarget
from docstore_contracts.quota import ReservationItem, Usage
from docstore_events.transaction import Transactor
from docstore_platform.errors import DomainError, OutOfSpace, Unavailable
from docstore_platform.security.tokens import Principal
from docstore_upload.lifecycle.clients import Json, ServiceClients, item_error
from docstore_upload.lifecycle.ports import Kind, T, Transfers
from docstore_upload.lifecycle.schemas import TargetRequest
from docstore_upload.metrics import initiated_total
from docstore_upload.settings import UploadSettings
from docstore_work.batcher import Batcher

PUBLISH_DELAY_SECONDS = 2.0
"""The worker publishes the initiation of transfers that are not over by then."""
R = TypeVar("R", bound=TargetRequest)
Errors = dict[int, DomainError]
"""Why files are refused, by their index in the request."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """What quota reserves for a file. It counts ids with the same part before the dash as one upload."""

    id: str
    size: int
    """In bytes."""
    usable_until: datetime
    """When the last instructions to send it stop to work."""

    @property
    def key(self) -> str:
        return self.id.partition("-")[0]


class Planned(Protocol):
    """A file that metadata allows."""

    @property
    def owner_id(self) -> str: ...


P = TypeVar("P", bound=Planned)
Plan = Callable[[R, Reservation, WriteAllowed], P | DomainError]
"""Plans the upload of a request, from metadata's response."""


@dataclass(frozen=True, slots=True)
class Started(Generic[T]):
    """A transfer about to be stored, and the response to its client."""

    transfer: T
    response: Json
    undo: Callable[[], Awaitable[None]] | None = None
    """Undoes external effects of beginning it."""


Begin = Callable[[Mapping[int, P]], Awaitable[Mapping[int, Started[T] | DomainError]]]
"""Begins transfers for planned files with a reservation; an error where the store fails."""


@dataclass(slots=True)
class Initiation(Generic[T]):
    """Begins transfers of one kind, for any number of files of one caller."""

    kind: Kind[T]
    transfers: Transfers[T]
    transactor: Transactor
    services: ServiceClients
    settings: UploadSettings
    _inserts: Batcher[Sequence[T], None] = field(init=False)

    def __post_init__(self) -> None:
        self._inserts = Batcher(f"insert {self.kind.noun}s", self._insert_together, size=len)

    async def initiate(
        self,
        caller: Principal,
        requests: Mapping[int, R],
        reservations: Mapping[int, Reservation],
        plan: Plan[R, P],
        begin: Begin[P, T],
        errors: Errors,
        lock_tokens: Sequence[str] = (),
    ) -> dict[int, Json]:
        """Return the response for each started transfer by index. Refusals are added to `errors`.

        `lock_tokens`: locks that the caller names as its own.
        """
        if not requests:
            return {}
        owners: Mapping[str, Mapping[int, Reservation]] = {}
        """What may be reserved, by account."""
        started: dict[int, Started[T]] = {}
        try:
            check = self._check(caller, requests, reservations, plan, errors, lock_tokens)
            if all(map(_goes_to_own_tree, requests.values())):
                owners = {caller.account_id: reservations}
                reserved = await self._reserve_while(check, caller.account_id, reservations, errors)
            else:
                planned = await check
                owners = _by_owner(planned, reservations)
                reserved = await self._reserve(caller.account_id, planned, owners, errors)
            for number, outcome in (await begin(reserved) if reserved else {}).items():
                if isinstance(outcome, Started):
                    started[number] = outcome
                else:
                    errors[number] = outcome
                    await self._release(reserved[number].owner_id, [reservations[number]])
            if started:
                await self._inserts.run([self._with_event(each.transfer) for each in started.values()])
        except Exception:  # whatever fails, the caller gets it and nothing stays reserved
            await self._give_back(owners, started.values())
            raise
        for each in started.values():
            measure = each.transfer.measure
            initiated_total.labels(measure.method).inc(measure.files)
        return {number: each.response for number, each in started.items()}

    async def _check(
        self,
        caller: Principal,
        requests: Mapping[int, R],
        reservations: Mapping[int, Reservation],
        plan: Plan[R, P],
        errors: Errors,
        lock_tokens: Sequence[str],
    ) -> dict[int, P]:
        items: list[WriteTarget] = [
            {
                "path": request.path,
                "parent_id": request.parent_id,
                "create_folders": request.create_folders,
                "file_id": request.file_id,
                "base_version": request.base_version,
                "on_conflict": request.on_conflict,
                "lock_tokens": list(lock_tokens),
            }
            for request in requests.values()
        ]
        results = await self.services.metadata.check_uploads(caller.account_id, items, folder_id=caller.folder_id)
        planned: dict[int, P] = {}
        for (number, request), result in zip(requests.items(), results, strict=True):
            outcome = item_error(result) if "problem" in result else plan(request, reservations[number], result)
            if isinstance(outcome, DomainError):
                errors[number] = outcome
            else:
                planned[number] = outcome
        return planned

    async def _reserve_while(
        self, check: Awaitable[dict[int, P]], account_id: str, reservations: Mapping[int, Reservation], errors: Errors
    ) -> dict[int, P]:
        """Reserve for the caller during `check`; return the files that are allowed and fit."""
        planned, fitting = await asyncio.gather(
            check, self._fitting(account_id, reservations.values()), return_exceptions=True
        )
        if isinstance(planned, BaseException):
            raise planned
        if len(planned) < len(reservations):
            # What was reserved for refused files may have left no room for the others.
            with suppress(Unavailable):  # it expires
                await self._release(account_id, reservations.values())
            return await self._reserve(account_id, planned, _by_owner(planned, reservations), errors)
        if isinstance(fitting, BaseException):
            raise fitting
        return _fitted(planned, reservations, *fitting, errors)

    async def _reserve(
        self, account_id: str, planned: Mapping[int, P], owners: Mapping[str, Mapping[int, Reservation]], errors: Errors
    ) -> dict[int, P]:
        """Reserve bytes, with one request for each owner (the caller except in shares); return the files that fit."""
        reserved: dict[int, P] = {}
        for owner_id, files in owners.items():
            accepted, usage = await self._fitting(owner_id, files.values())
            # Only the owner may know how full the storage is.
            reserved |= _fitted(planned, files, accepted, usage if owner_id == account_id else None, errors)
        return reserved

    async def _fitting(self, owner_id: str, files: Collection[Reservation]) -> tuple[set[str], Usage]:
        """Reserve for files as far as there is room; return the ids of these, and the usage then."""
        sizes: list[ReservationItem] = [{"upload_id": file.id, "size": file.size} for file in files]
        grace = timedelta(seconds=self.settings.reservation_grace_seconds)
        return await self.services.quota.reserve(owner_id, sizes, max(file.usable_until for file in files) + grace)

    async def _release(self, owner_id: str, files: Iterable[Reservation]) -> None:
        await self.services.quota.release_reservations(owner_id, sorted({file.key for file in files}))

    def _with_event(self, transfer: T) -> T:
        event = self.transactor.prepare(self.kind.initiated(transfer))
        publish_at = transfer.created_at + timedelta(seconds=PUBLISH_DELAY_SECONDS)
        first = transfer.first_check_at(self.settings.check_first_delay_seconds)
        return replace(transfer, revision=1, initiated_event=event, next_check_at=min(publish_at, first))

    async def _insert_together(self, requests: Sequence[Sequence[T]]) -> list[None]:
        await self.transfers.insert([transfer for transfers in requests for transfer in transfers])
        return [None] * len(requests)

    async def _give_back(self, owners: Mapping[str, Mapping[int, Reservation]], started: Iterable[Started[T]]) -> None:
        """Undo refused transfers: release their reservations and uploads. What can't be released now expires."""
        with suppress(Exception):
            keys = {file.key for files in owners.values() for file in files.values()}
            stored = await self.transfers.by_ids(sorted(keys))
            for owner_id, files in owners.items():
                await self._release(owner_id, [file for file in files.values() if file.key not in stored])
            for each in started:
                if each.undo is not None and each.transfer.id not in stored:
                    await each.undo()


def _goes_to_own_tree(request: TargetRequest) -> bool:
    """Whether it names a path from the caller's root; a folder or a file may be another's."""
    return request.file_id is None and request.parent_id is None


def _by_owner(
    planned: Mapping[int, Planned], reservations: Mapping[int, Reservation]
) -> dict[str, dict[int, Reservation]]:
    owners: defaultdict[str, dict[int, Reservation]] = defaultdict(dict)
    for number, file in planned.items():
        owners[file.owner_id][number] = reservations[number]
    return owners


def _fitted(
    planned: Mapping[int, P], files: Mapping[int, Reservation], accepted: set[str], usage: Usage | None, errors: Errors
) -> dict[int, P]:
    """Those of `files` that are accepted; the others are added to `errors`."""
    errors |= {number: _over_quota(file.size, usage) for number, file in files.items() if file.id not in accepted}
    return {number: planned[number] for number, file in files.items() if file.id in accepted}


def _over_quota(size: int, usage: Usage | None) -> DomainError:
    """Error for `size` bytes that were not reserved; with `usage` if the caller may see it."""
    extra: Json = {} if usage is None else {"usage": usage}
    detail = f"{size} bytes don't fit into the remaining quota."
    return OutOfSpace(detail, **extra)


def seconds_left(expires_at: datetime, now: datetime) -> int:
    """Return how long a URL works that ends at `expires_at`."""
    return max(1, int((expires_at - now).total_seconds()))

"""Initiation of uploads: metadata checks the target, quota reserves the bytes, then the session is stored.

Many at once cost one question to metadata, one to quota and one transaction. What a crash leaves behind heals by
itself: a reservation without a session ends when it expires; a multipart upload without one has no parts, since
nobody was given a URL for it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import get_args

from docstore_contents.s3.store import ObjectStoreError
from docstore_events.transaction import Transaction, Transactor
from docstore_events.uploads import UploadInitiated
from docstore_platform.clock import Clock
from docstore_platform.ids import new_id
from docstore_platform.problems import Problem, unavailable
from docstore_platform.tokens import Principal
from docstore_upload.lifecycle.clients import Json, ServiceClients, item_problem
from docstore_upload.lifecycle.content_types import content_type_of
from docstore_upload.lifecycle.initiation import CHECKED, over_quota
from docstore_upload.metrics import initiated_total
from docstore_upload.sessions.instructions import UploadInstructions
from docstore_upload.sessions.ports import Uploads
from docstore_upload.sessions.rules import Method, Upload, part_size_for
from docstore_upload.sessions.schemas import InitiateRequest
from docstore_upload.sessions.validation import refuse_initiate
from docstore_upload.sessions.views import upload_json
from docstore_upload.settings import UploadSettings

TOO_MUCH_GIVEN_UP = Problem(
    429,
    "too_much_given_up",
    "Forms and credentials of uploads that were given up still work, too many of them. Use `put` or `multipart`.",
    headers={"Retry-After": "3600"},
)
Indexed = dict[int, Upload]
"""Uploads by their place in the request."""


class Initiator:
    """The use case `initiate`, for any number of uploads of one caller."""

    def __init__(
        self,
        uploads: Uploads,
        transactor: Transactor,
        services: ServiceClients,
        instructions: UploadInstructions,
        settings: UploadSettings,
        clock: Clock,
    ) -> None:
        self._uploads = uploads
        self._transactor = transactor
        self._services = services
        self._instructions = instructions
        self._settings = settings
        self._clock = clock

    async def initiate(
        self, principal: Principal, requests: Sequence[InitiateRequest | Problem]
    ) -> list[Json | Problem]:
        """An upload with its instructions for each request, or why not; in order."""
        outcomes: list[Json | Problem | None] = [
            request if isinstance(request, Problem) else refuse_initiate(request, self._settings.open_form_bytes)
            for request in requests
        ]
        wanted = {
            index: request
            for index, request in enumerate(requests)
            if outcomes[index] is None and isinstance(request, InitiateRequest)
        }
        if any(request.method in ("form", "credentials") for request in wanted.values()):
            await self._refuse_given_up(principal)
        planned = await self._check(principal, wanted, outcomes) if wanted else {}
        begun: Indexed = {}
        try:
            reserved = await self._reserve(planned, outcomes)
            instructions = await self._begin(reserved, begun, outcomes)
            if begun:
                await self._keep(list(begun.values()))
        except Exception:
            await self._give_back(planned | begun)
            raise
        for index, upload in begun.items():
            initiated_total.labels(upload.method).inc()
            outcomes[index] = upload_json(upload) | instructions[index]
        return [outcome if outcome is not None else unavailable("The upload") for outcome in outcomes]

    async def _refuse_given_up(self, principal: Principal) -> None:
        """Problem 429 `too_much_given_up`: forms and credentials that were given up still work, and nobody is charged.

        What is sent by them is deleted, but not at once. A URL for a PUT or a part is dead when its upload is.
        """
        given_up = await self._uploads.given_up_bytes(principal.account_id, self._clock())
        if given_up > self._settings.unclaimed_bytes:
            raise TOO_MUCH_GIVEN_UP

    async def _check(
        self, principal: Principal, wanted: Mapping[int, InitiateRequest], outcomes: list[Json | Problem | None]
    ) -> Indexed:
        items = [request.model_dump(include=CHECKED) for request in wanted.values()]
        results = await self._services.check(principal.account_id, items)
        now, planned = self._clock(), {}
        for (index, request), result in zip(wanted.items(), results, strict=True):
            refused = item_problem(result)
            if refused is not None:
                outcomes[index] = refused
            else:
                planned[index] = self._plan(principal, request, result, now)
        return planned

    def _plan(self, principal: Principal, request: InitiateRequest, checked: Json, now: datetime) -> Upload:
        settings, method = self._settings, _method(request.method)
        expires_at = now + timedelta(seconds=_life(request, settings))
        return Upload(
            id=new_id(),
            account_id=principal.account_id,
            owner_id=checked["owner_id"],
            device=principal.device,
            path=checked["path"],
            wanted_path=request.path,
            parent_id=request.parent_id,
            file_id=request.file_id,
            size=request.most,
            max_size=request.max_size,
            content_type=request.content_type or content_type_of(checked["path"]),
            sha256=request.sha256.lower() if request.sha256 else None,
            base_version=request.base_version,
            on_conflict=request.on_conflict,
            tags=tuple(request.tags),
            client_modified_at=request.client_modified_at,
            notify=request.notify,
            method=method,
            multipart_id=None,
            part_size=part_size_for(request.most, settings.part_bytes) if method == "multipart" else None,
            state="initiated",
            revision=0,
            created_at=now,
            expires_at=expires_at,
            next_check_at=min(now + timedelta(seconds=settings.check_first_seconds), expires_at),
        )

    async def _reserve(self, planned: Indexed, outcomes: list[Json | Problem | None]) -> Indexed:
        """One question for each owner: all files of one account, but for those shared with it."""
        by_owner: defaultdict[str, Indexed] = defaultdict(dict)
        for index, upload in planned.items():
            by_owner[upload.owner_id][index] = upload
        reserved: Indexed = {}
        grace = timedelta(seconds=self._settings.reservation_grace_seconds)
        for owner_id, uploads in by_owner.items():
            sizes = [(upload.id, upload.size) for upload in uploads.values()]
            until = max(upload.usable_until for upload in uploads.values()) + grace
            accepted, usage = await self._services.reserve(owner_id, sizes, until)
            for index, upload in uploads.items():
                if upload.id in accepted:
                    reserved[index] = upload
                else:
                    # How full the storage is, is its owner's to know.
                    outcomes[index] = over_quota(upload.size, usage if upload.account_id == owner_id else None)
        return reserved

    async def _begin(self, reserved: Indexed, begun: Indexed, outcomes: list[Json | Problem | None]) -> dict[int, Json]:
        """What needs the store first, and then is `begun`; where the store fails, the reservation is given back."""
        beginnings = [self._instructions.begin(upload) for upload in reserved.values()]
        answers = await asyncio.gather(*beginnings, return_exceptions=True)
        instructions: dict[int, Json] = {}
        for (index, upload), answer in zip(reserved.items(), answers, strict=True):
            if isinstance(answer, ObjectStoreError):
                outcomes[index] = unavailable("The object store")
                await self._services.release(upload.owner_id, [upload.id])
            elif isinstance(answer, BaseException):
                raise answer
            else:
                begun[index], instructions[index] = answer
        return instructions

    async def _give_back(self, uploads: Indexed) -> None:
        """Of uploads that came to nothing, what there is of them; what can't be given back now ends by itself."""
        with suppress(Exception):
            kept = await self._uploads.by_ids([upload.id for upload in uploads.values()])
            by_owner: defaultdict[str, list[str]] = defaultdict(list)
            dropped = [upload for upload in uploads.values() if upload.id not in kept]
            for upload in dropped:
                by_owner[upload.owner_id].append(upload.id)
            for owner_id, ids in by_owner.items():
                await self._services.release(owner_id, ids)
            await asyncio.gather(*(self._instructions.drop(upload) for upload in dropped), return_exceptions=True)

    async def _keep(self, uploads: Sequence[Upload]) -> None:
        kept = [replace(upload, revision=1) for upload in uploads]

        async def work(transaction: Transaction) -> None:
            await self._uploads.insert(kept, transaction.session)
            for upload in kept:
                transaction.publish(
                    UploadInitiated(
                        revision=upload.revision,
                        upload_id=upload.id,
                        account_id=upload.owner_id,
                        path=upload.path,
                        size=upload.size,
                        method=upload.method,
                        expires_at=upload.expires_at,
                    )
                )

        await self._transactor.run(work)


def _life(request: InitiateRequest, settings: UploadSettings) -> float:
    """How long its bytes may be sent, in seconds."""
    if request.method == "multipart":
        return settings.multipart_expiry_seconds
    return settings.expiry_seconds if request.max_size is None else settings.open_form_expiry_seconds


def _method(name: str) -> Method:
    methods: dict[str, Method] = {known: known for known in get_args(Method)}
    return methods[name]

"""Completing a pack: verify what is stored, claim it, commit its files in metadata, say so.

What a crash leaves is healed as with an upload: an open pack is verified again, a committing one is committed again,
which answers the same; a completed one answers from what is kept. A slice that is not what was declared refuses its
own file alone.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import orjson
import structlog

from docstore_contents.s3.store import ObjectNotFound, ObjectStore, ObjectStoreError
from docstore_events.transaction import Transaction, Transactor
from docstore_events.uploads import PackCompleted, slice_upload_id
from docstore_platform.clock import Clock, rfc3339
from docstore_platform.problems import Problem, not_found, unavailable
from docstore_upload.lifecycle.clients import Json, ServiceClients
from docstore_upload.lifecycle.commits import commit_each, commit_refusal, refused
from docstore_upload.lifecycle.rules import INCOMPLETE, OPEN, Actor, Refusal, State
from docstore_upload.metrics import completed_bytes_total, ended_total
from docstore_upload.packs.events import about, ended
from docstore_upload.packs.ports import PackCompletion, Packs
from docstore_upload.packs.rules import Pack, wrong_slices
from docstore_upload.settings import UploadSettings

log = structlog.get_logger(__name__)
WRONG_SLICE = Problem(409, "upload_mismatch", "The SHA-256 of what was sent is not the one declared.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the files of a pack, by number."""

    answers: dict[int, Json]
    """As clients see them."""
    event_ids: dict[int, str]
    """Of those that were committed, the events published for them."""

    @property
    def refused(self) -> list[int]:
        return [number for number in self.answers if number not in self.event_ids]

    def json(self) -> bytes:
        return orjson.dumps(list(self.answers.values()))


class PackCompleter:
    """The use case `complete`, for clients and for the workflow; and its opposite, `end`."""

    def __init__(
        self,
        packs: Packs,
        transactor: Transactor,
        services: ServiceClients,
        store: ObjectStore,
        settings: UploadSettings,
        clock: Clock,
    ) -> None:
        self._packs = packs
        self._transactor = transactor
        self._services = services
        self._store = store
        self._settings = settings
        self._clock = clock

    async def complete(self, pack: Pack, by: Actor) -> bytes:
        """What became of each file, as JSON, in order; again and again the same. Problem if nothing did, or not yet."""
        if pack.is_open:
            pack = await self._verify(pack, by)
        if pack.state == "committing":
            pack = await self._commit(pack)
        refusal = pack.final_refusal()
        if refusal is not None:
            raise refused(refusal)
        if pack.answers is None:
            raise not_found("pack")
        return pack.answers

    async def end(
        self,
        pack: Pack,
        state: State,
        *,
        start: Sequence[State] = OPEN,
        refusal: Refusal | None = None,
        by: Actor = "client",
    ) -> Pack:
        """Make an end of a pack that is in a state of `start`; answers it as it is then. Clean-up is due at once."""
        now = self._clock()

        async def work(transaction: Transaction) -> bool:
            current = await self._packs.get(pack.id, session=transaction.session)
            if current is None or current.state not in start:
                return False
            await self._packs.end(pack.id, state, refusal, now, transaction.session)
            transaction.publish(ended(current, state, refusal))
            return True

        if await self._transactor.run(work):
            ended_total.labels(state, "pack", by).inc(len(pack.numbers))
        return await self._reread(pack)

    async def _reread(self, pack: Pack) -> Pack:
        current = await self._packs.get(pack.id)
        if current is None:
            raise not_found("pack")
        return current

    async def _verify(self, pack: Pack, by: Actor) -> Pack:
        """The pack as it is once what was sent is claimed, by us or by somebody before us."""
        try:
            content = await self._store.get(pack.object_key)
        except ObjectNotFound:
            current = await self._reread(pack)  # one that is completed since may be empty by now
            if current.is_open:
                raise refused(INCOMPLETE) from None
            return current
        except ObjectStoreError as error:
            log.warning("pack_object_unavailable", pack_id=pack.id, error=str(error))
            raise unavailable("The object store") from error
        verdict = await asyncio.to_thread(wrong_slices, pack, content)
        if isinstance(verdict, Refusal):
            return await self.end(pack, "aborted", refusal=verdict, by=by)
        live = [number for number in pack.numbers if number not in set(verdict)]
        retry_at = self._clock() + timedelta(seconds=self._settings.commit_retry_seconds)
        return await self._packs.claim(pack.id, verdict, live, by, retry_at) or await self._reread(pack)

    async def _commit(self, pack: Pack) -> Pack:
        files = pack.files()
        numbers = [number for number in pack.numbers if number not in set(pack.wrong)]
        uploaded_at = rfc3339(self._clock())
        items = [
            {
                **files[number],
                "upload_id": slice_upload_id(pack.id, number),
                "account_id": pack.account_id,
                "device": pack.device,
                "object_key": pack.key_of(number),
                "uploaded_at": uploaded_at,
            }
            for number in numbers
        ]
        results: dict[int, Json] = {}
        for number, result in zip(numbers, await commit_each(self._services, items) if items else [], strict=True):
            refusal = result if isinstance(result, Problem) else commit_refusal(result)
            if refusal is not None and (isinstance(result, Problem) or refusal.status >= 500):
                raise refusal  # not decided: the whole pack is committed again
            assert not isinstance(result, Problem)
            results[number] = result
        return await self._finish(pack, results)

    async def _finish(self, pack: Pack, results: Mapping[int, Json]) -> Pack:
        """Of several that have committed the same pack, one finds it committing and publishes the event."""
        outcome = _outcome(pack, results)
        now = self._clock()
        check_at = now + timedelta(seconds=self._settings.settle_first_seconds)

        async def work(transaction: Transaction) -> Pack | None:
            current = await self._packs.get(pack.id, session=transaction.session)
            if current is None or current.state != "committing":
                if current is not None:
                    await self._amend(current, outcome, transaction)
                return None
            event_id = transaction.publish(_completed(current, outcome))
            done = PackCompletion(outcome.json(), outcome.refused, list(outcome.event_ids.values()), event_id)
            await self._packs.complete(pack.id, done, now, check_at, transaction.session)
            return replace(current, state="completed", answers=done.answers)

        completed = await self._transactor.run(work)
        if completed is None:
            return await self._reread(pack)
        ended_total.labels("completed", "pack", pack.completed_by or "client").inc(len(pack.numbers))
        completed_bytes_total.labels("pack").inc(pack.size)
        return completed

    async def _amend(self, current: Pack, outcome: Outcome, transaction: Transaction) -> None:
        """Where one who committed a file meets one to whom it was refused, it is the commit that counts."""
        committed = [number for number in current.refused if number in outcome.event_ids]
        if not committed or current.state != "completed" or current.answers is None:
            return
        answers = dict(zip(current.numbers, orjson.loads(current.answers), strict=True))
        answers |= {number: outcome.answers[number] for number in committed}
        refused_still = [number for number in current.refused if number not in committed]
        events = [outcome.event_ids[number] for number in committed]
        await self._packs.amend(
            current.id, orjson.dumps(list(answers.values())), refused_still, events, transaction.session
        )


def _outcome(pack: Pack, results: Mapping[int, Json]) -> Outcome:
    outcome = Outcome({}, {})
    for number in pack.numbers:
        result = results.get(number)
        refusal = WRONG_SLICE if result is None else commit_refusal(result)
        if refusal is not None or result is None:
            outcome.answers[number] = {"number": number, "problem": (refusal or WRONG_SLICE).body()}
            continue
        shown = {name: result[name] for name in ("file", "version", "conflicted")}
        outcome.answers[number] = {"number": number, **shown}
        outcome.event_ids[number] = result["event_id"]
    return outcome


def _completed(pack: Pack, outcome: Outcome) -> PackCompleted:
    sizes = dict(zip(pack.numbers, pack.sizes, strict=True))
    return PackCompleted(
        **about(pack, pack.revision + 1),
        refused=tuple(outcome.refused),
        refused_size=sum(sizes[number] for number in outcome.refused),
        conflicted=sum(answer.get("conflicted", False) for answer in outcome.answers.values()),
        completed_by=pack.completed_by or "client",
    )

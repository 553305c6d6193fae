"""Workers of the queues: bring the index up to date with pending files, then mark them done.

Everything here may run twice: a file stays pending until its state is durable in the index, and one that has changed
meanwhile stays pending for its new state.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from docstore_contents.s3.store import ObjectArchived, ObjectStoreError, ObjectStoreUnavailable
from docstore_contents.workers.sandbox.confinement import SandboxUnavailable
from docstore_events.transaction import Transaction, Transactor
from docstore_indexer import metrics
from docstore_indexer.engines.engine import EngineFailed
from docstore_indexer.extraction.languages import TrainedData
from docstore_indexer.extraction.rules import ExtractionFailed
from docstore_indexer.indexing.index_order import OrderedIndex
from docstore_indexer.indexing.outcome_events import caused_by, event_of, file_id_of, loses_text
from docstore_indexer.indexing.repository import Entries
from docstore_indexer.indexing.rules import (
    CHARS_AT_ONCE,
    Decision,
    Entry,
    Outcome,
    Step,
    WorkQueue,
    decide,
    groups,
    wakeup_name,
)
from docstore_indexer.indexing.text_reader import TextReader
from docstore_indexer.indexing.text_repository import Accounts, Texts
from docstore_indexer.transcription.transcriber import TranscriptionPending, TranscriptionUnavailable
from docstore_platform.mongodb.session import DatabaseError
from docstore_work.backoff import backoff
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)

QUICK_BATCH = 500
TEXT_BATCH = 64
"""Up to so many small plain texts are read by the quick queue itself; more, or larger ones, have their own queue."""
SMALL_TEXT_BYTES = 256 * 1024
QUICK_READ_SECONDS = 2.0
MAX_ATTEMPTS = 5
OUTAGE_PAUSE_SECONDS = 2.0
MAX_PAUSE_SECONDS = 60.0


@dataclass(slots=True)
class Indexing:
    """Worker of every queue; a call processes what is due there and returns whether there was any."""

    entries: Entries
    texts: Texts
    accounts: Accounts
    contents: TextReader
    index: OrderedIndex
    transactor: Transactor
    trained: TrainedData

    async def work(self, queue: WorkQueue) -> bool:
        if not self.contents.ready(queue):
            return False
        limit = {WorkQueue.QUICK: QUICK_BATCH, WorkQueue.TEXT: TEXT_BATCH}.get(queue, 1)
        claimed = await self.entries.claim(queue, limit)
        if not claimed:
            return False
        if not await self._done(queue, claimed) and len(claimed) > 1:
            for entry in claimed:
                await self._done(queue, [entry])
        return True

    async def _done(self, queue: WorkQueue, claimed: Sequence[Entry]) -> bool:
        """Process these entries. False: one of several caused an error and is retried alone later."""
        try:
            plans = await self.accounts.plans({entry.file.owner_id for entry in claimed})
            languages = await self._languages(queue, claimed)
            decided: list[tuple[Entry, Decision]] = []
            for entry in claimed:
                owner = entry.file.owner_id
                plan, _ = plans.get(owner, ("free", 0))
                decided.append((entry, decide(entry, plan, languages.get(owner, ""), self.contents.queue_of)))
            await (
                self._process_quick_queue(decided)
                if queue is WorkQueue.QUICK
                else self._process_documents(queue, decided, languages)
            )
        except EngineFailed as error:
            log.warning("index_writes_postponed", queue=queue, error=str(error))
            await self.entries.postpone(claimed, queue, OUTAGE_PAUSE_SECONDS, counted=False)
        except DatabaseError:
            raise
        except asyncio.CancelledError:  # an orderly stop: the next start must not take it for a crash
            await self.entries.postpone(claimed, queue, 0.0, counted=False)
            raise
        except Exception as error:  # whatever a document causes, the others are indexed and it is retried
            log.error("indexing_failed", queue=queue, files=len(claimed), exc_info=error)
            if len(claimed) == 1:
                await self.entries.postpone(claimed, queue, _pause(claimed[0]), counted=True)
            return False
        return True

    async def _languages(self, queue: WorkQueue, claimed: Sequence[Entry]) -> dict[str, str]:
        """Return the languages by account for those entries that have pictures or speech, or may have.

        Speech can be in any language unless the account has chosen some.
        """
        may_have = queue not in (WorkQueue.QUICK, WorkQueue.TEXT)
        owners = {entry.file.owner_id for entry in claimed if may_have or entry.ocr_languages}
        chosen = await self.accounts.languages(owners)
        if queue is WorkQueue.TRANSCRIPTION:
            return {owner: "+".join(chosen.get(owner, ())) for owner in owners}
        return {owner: self.trained.chosen(chosen.get(owner, ())) for owner in owners}

    async def _process_quick_queue(self, decided: Sequence[tuple[Entry, Decision]]) -> None:
        """Do what needs no document, and pass on what does; a few plain texts are read at once."""
        by_step: dict[Step, list[tuple[Entry, Decision]]] = defaultdict(list)
        for entry, decision in decided:
            by_step[decision.step].append((entry, decision))
        later: dict[WorkQueue, list[Entry]] = defaultdict(list)
        for entry, decision in by_step[Step.FETCH]:
            later[decision.queue].append(entry)
        small = [entry for entry in later[WorkQueue.TEXT] if entry.file.size <= SMALL_TEXT_BYTES]
        at_once = small if len(small) <= TEXT_BATCH else []
        if at_once:
            later[WorkQueue.TEXT] = [entry for entry in later[WorkQueue.TEXT] if entry.file.size > SMALL_TEXT_BYTES]
        outcomes = await self._without_reading(by_step)
        for queue, entries in later.items():
            await self._move(entries, queue)
        read = await self._read_texts(at_once, QUICK_READ_SECONDS)
        await self._put(read)
        await self._complete(outcomes + read)
        await self._put_stored([entry for entry, _ in by_step[Step.STORED_TEXT]])

    async def _process_documents(
        self, queue: WorkQueue, decided: Sequence[tuple[Entry, Decision]], languages: Mapping[str, str]
    ) -> None:
        """Read documents; changed ones restart at the first queue."""
        here = [entry for entry, decision in decided if decision.step is Step.FETCH]
        others = [entry for entry, decision in decided if decision.step is not Step.FETCH]
        if others:
            await self._move(others, WorkQueue.QUICK, keep_name=False)
        for group in groups(here, CHARS_AT_ONCE, lambda entry: entry.file.size):
            if queue is WorkQueue.TEXT:
                outcomes = await self._read_texts(group, None)
            else:
                read = [await self._read(entry, queue, None, languages[entry.file.owner_id]) for entry in group]
                outcomes = [outcome for outcome in read if outcome is not None]
            await self._put(outcomes)
            completed = await self._complete(outcomes)
            if queue is WorkQueue.TRANSCRIPTION:
                for outcome in completed:
                    await self.contents.forget(outcome.entry.file)

    async def _without_reading(self, by_step: dict[Step, list[tuple[Entry, Decision]]]) -> list[Outcome]:
        removed = [entry for entry, _ in by_step[Step.REMOVE]]
        await self.index.remove(removed)
        names = [entry for entry, _ in by_step[Step.NAME] + by_step[Step.FAILED]]
        await self.index.put(names)
        return [
            *(Outcome(entry, "removed") for entry in removed),
            *(Outcome(entry, "name") for entry, _ in by_step[Step.NAME]),
            *(Outcome(entry, "failed", reason=decision.reason) for entry, decision in by_step[Step.FAILED]),
        ]

    async def _move(self, entries: Sequence[Entry], queue: WorkQueue, *, keep_name: bool = True) -> None:
        """Make files searchable by name until the queue reads them, which removes an earlier version's text now.

        A text of this version stays: the file is read again in other languages.
        """
        if not entries:
            return
        if keep_name:
            await self.index.put([entry for entry in entries if entry.text_version != entry.file.version])
            await self._put_kept([entry for entry in entries if entry.text_version == entry.file.version])
        await self.entries.move(entries, queue)
        wake(wakeup_name(queue))

    async def _read_texts(self, entries: Sequence[Entry], seconds: float | None) -> list[Outcome]:
        """Read plain texts concurrently; late ones are left to their queue."""
        read = await asyncio.gather(*(self._read(entry, WorkQueue.TEXT, seconds) for entry in entries))
        return [outcome for outcome in read if outcome is not None]

    async def _read(
        self, entry: Entry, queue: WorkQueue, seconds: float | None = None, languages: str = ""
    ) -> Outcome | None:
        """Read a document; None: it is retried later or was handed over."""
        if entry.fruitless_claims > MAX_ATTEMPTS:
            return Outcome(entry, "failed", reason="parser_crashed")
        try:
            async with asyncio.timeout(seconds):
                found = await self.contents.read(entry.file, queue, languages)
        except ExtractionFailed as error:
            return Outcome(entry, "failed", reason=error.reason)
        except (ObjectStoreUnavailable, SandboxUnavailable, TimeoutError) as error:
            await self._postpone(entry, queue, repr(error), counted=False)
            return None
        except TranscriptionPending as error:
            await self.entries.postpone([entry], queue, error.seconds, counted=False)
            return None
        except TranscriptionUnavailable as error:
            await self._postpone(entry, queue, str(error), counted=False, pause=MAX_PAUSE_SECONDS)
            return None
        except ObjectArchived:
            if entry.text_version != entry.file.version:
                return Outcome(entry, "failed", reason="archived")
            await self._put_stored([entry])  # read again in other languages: the text stays as it is
            return None
        except ObjectStoreError as error:
            if entry.fruitless_claims >= MAX_ATTEMPTS:
                return Outcome(entry, "failed", reason="content_missing")
            await self._postpone(entry, queue, repr(error), counted=True)
            return None
        if isinstance(found, WorkQueue):
            await self._move([entry], found)
            return None
        return Outcome(entry, "fulltext", found, languages=languages if found.ocr or queue is WorkQueue.OCR else "")

    async def _postpone(
        self, entry: Entry, queue: WorkQueue, error: str, *, counted: bool, pause: float = OUTAGE_PAUSE_SECONDS
    ) -> None:
        log.info("extraction_postponed", file_id=entry.file.file_id, error=error)
        if entry.text_version != entry.file.version:
            await self.index.put([entry])
        await self.entries.postpone([entry], queue, _pause(entry) if counted else pause, counted=counted)

    async def _put_stored(self, entries: Sequence[Entry]) -> None:
        """Index files with stored texts, a bounded number of characters at a time; a lost text is read again."""
        for group in groups(entries, CHARS_AT_ONCE, lambda entry: entry.text_chars):
            there, gone = await self._put_kept(group)
            await self._complete([Outcome(entry, "fulltext") for entry in there])
            if gone:
                await self.entries.requeue([entry.file.file_id for entry in gone], drop_text=True)

    async def _put_kept(self, entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
        """Index files with their stored texts; return those that have one, and those whose text is lost."""
        kept = await self.texts.get([entry.file.file_id for entry in entries])
        there: list[Entry] = []
        gone: list[Entry] = []
        for entry in entries:
            version, _ = kept.get(entry.file.file_id, (0, ""))
            (there if version == entry.file.version else gone).append(entry)
        await self.index.put(there, {file_id: text for file_id, (_, text) in kept.items()})
        return there, gone

    async def _put(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            text = outcome.text
            file_id = outcome.entry.file.file_id
            await self.index.put([outcome.entry], {file_id: text.text} if text is not None else None)

    async def _complete(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Once they are durable in the index, mark and publish them, except those that have changed meanwhile.

        Return those that were marked.
        """
        if not outcomes:
            return []
        await self.index.flush()

        async def work(transaction: Transaction) -> list[Outcome]:
            session = transaction.session
            held = await self.entries.held([outcome.entry for outcome in outcomes], session)
            current = [outcome for outcome in outcomes if outcome.entry.file.file_id in held]
            if not current:
                return []
            await self.entries.complete(current, session)
            await self.texts.remove([file_id_of(outcome) for outcome in current if loses_text(outcome)], session)
            found = [(outcome, outcome.text) for outcome in current if outcome.text is not None]
            await self.texts.put({file_id_of(o): (o.entry.file.version, text) for o, text in found}, session)
            for outcome in current:
                if outcome.is_new:
                    event = event_of(outcome)
                    transaction.publish(event, cause=caused_by(event, outcome.entry))
            return current

        completed = await self.transactor.run(work)
        for outcome in completed:
            if outcome.result == "failed" and outcome.is_new:
                metrics.index_failures.labels(outcome.reason).inc()
        return completed


def _pause(entry: Entry) -> float:
    return backoff(entry.attempts, first=2.0, longest=MAX_PAUSE_SECONDS)

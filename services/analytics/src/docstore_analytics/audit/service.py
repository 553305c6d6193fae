"""Use case of the audit log: verify it against its chain, its seals and its anchors."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

import orjson

from docstore_analytics.audit.anchors import Anchor, AnchorChanged, AnchorMissing, Anchors, Objects
from docstore_analytics.audit.repository import AuditRepository, Seal, SealRepository
from docstore_analytics.audit.rules import BEGINNING, Break, Chain, Chained, Head
from docstore_analytics.audit.sealed import line_of, sealed_key, unpacked
from docstore_contents.s3.transport import ObjectNotFound, ObjectStoreError


@dataclass(frozen=True, slots=True)
class Verified:
    """Result of verifying one page: `after` is the start of the next page, None at the end.

    `number` and `signature` are of the last valid entry. `not_compared`: why the entries could not be compared with the
    object store; empty if they were.
    """

    number: int
    signature: str
    checked: int
    head: Head
    broken: Break | None
    after: int | None
    anchor: Anchor | None
    not_compared: str


@dataclass(slots=True)
class AuditVerifier:
    store: AuditRepository
    seals: SealRepository
    objects: Objects
    chain: Chain
    anchors: Anchors
    _: KW_ONLY
    region: str

    async def verify(self, after: int, limit: int) -> Verified:
        """Verify up to `limit` entries after number `after`, their copies in the object store, and the end."""
        head = await self.store.head()
        number, signature = after, BEGINNING
        anchor, not_compared = None, ""

        def found(broken: Break | None, *, more: bool = False) -> Verified:
            next_after = number if more else None
            return Verified(number, signature, number - after, head, broken, next_after, anchor, not_compared)

        if head.key and head.key not in self.chain.fingerprints:
            return found(Break(head.number, "other_key", "the end was signed with another key"))
        try:
            anchor = await self.anchors.last()
        except (AnchorMissing, AnchorChanged) as error:
            return found(_anchor_break(error))
        except ObjectStoreError as error:
            not_compared = f"the object store is unavailable: {error}"
        if after:
            before = await self.store.entry(after)
            if before is None:
                return found(Break(after, "missing", "there is no such entry"))
            signature = before.signature
        sealed_to = max(anchor.sealed_to if anchor else 0, await self.sealed_to())
        seals = await self.seals.between(after + 1, after + limit)
        sealed = _SealedEntries(self.objects, seals, sealed_to, self.region)
        async for chained in self.store.entries_after(after, limit):
            broken = self.chain.check(chained, number + 1, signature)
            if not broken and not not_compared:
                try:
                    broken = await sealed.check(chained)
                except ObjectStoreError as error:
                    not_compared = f"the object store is unavailable: {error}"
            if broken:
                return found(broken)
            number, signature = chained.number, chained.signature
        if number - after == limit:
            return found(None, more=True)
        if number >= head.number:  # entries may have been added: compare with the current head
            head = await self.store.head()
            if number < head.number:
                return found(None, more=True)
        broken = self.chain.check_head(head, number, signature) or await self._check_last_seal(number)
        return found(broken or await self._check_anchor(anchor))

    async def _check_last_seal(self, number: int) -> Break | None:
        last = await self.seals.last()
        if last is not None and last.last > number:
            return Break(number + 1, "cut_off", f"entries up to {last.last} are sealed in {last.key}")
        return None

    async def contradiction(self) -> Break | None:
        """Return how the log contradicts its last anchor, if so. ObjectStoreError."""
        try:
            anchor = await self.anchors.last()
        except (AnchorMissing, AnchorChanged) as error:
            return _anchor_break(error)
        return await self._check_anchor(anchor)

    async def _check_anchor(self, anchor: Anchor | None) -> Break | None:
        if anchor is None:
            return None
        head = await self.store.head()
        if head.number < anchor.number:
            detail = f"anchor {anchor.seq} in the object store counts {anchor.number} entries"
            return Break(head.number + 1, "cut_off", detail)
        entry = await self.store.entry(anchor.number)
        if entry is None or entry.signature != anchor.signature:
            detail = f"anchor {anchor.seq} in the object store has another signature"
            return Break(anchor.number, "differs_from_anchor", detail)
        sealed_to = await self.sealed_to()
        if sealed_to < anchor.sealed_to:
            return Break(sealed_to + 1, "seal_missing", f"entries up to {anchor.sealed_to} had been sealed")
        return None

    async def sealed_to(self) -> int:
        """Number of the last sealed entry; 0 if there is none."""
        last = await self.seals.last()
        return last.last if last else 0


def _anchor_break(error: AnchorMissing | AnchorChanged) -> Break:
    return Break(0, "anchor_missing" if isinstance(error, AnchorMissing) else "anchor_changed", str(error))


class _SealedEntries:
    """Sealed copies of the entries under verification."""

    def __init__(self, objects: Objects, seals: list[Seal], sealed_to: int, region: str) -> None:
        self._objects = objects
        self._seals = seals
        self._sealed_to = sealed_to
        self._region = region
        self._rows: dict[int, Mapping[str, Any]] = {}
        self._loaded: Seal | None = None

    async def check(self, chained: Chained) -> Break | None:
        """Compare the entry with its sealed copy, if it is sealed. ObjectStoreError."""
        seal = next((each for each in self._seals if each.first <= chained.number <= each.last), None)
        if seal is None:
            if chained.number > self._sealed_to:
                return None
            return Break(chained.number, "seal_missing", f"entries up to {self._sealed_to} had been sealed")
        if seal.key != sealed_key(self._region, seal.first, seal.last):
            return Break(chained.number, "differs_from_sealed", f"{seal.key} is not an object of the audit log")
        if seal != self._loaded:
            try:
                self._rows = unpacked(await self._objects.get(seal.key))
            except ObjectNotFound:
                return Break(chained.number, "differs_from_sealed", f"{seal.key} is missing")
            except (OSError, EOFError, ValueError, KeyError, TypeError):
                return Break(chained.number, "differs_from_sealed", f"{seal.key} can't be read")
            self._loaded = seal
        if self._rows.get(chained.number) != orjson.loads(line_of(chained)):
            return Break(chained.number, "differs_from_sealed", f"{seal.key} has other contents")
        return None

"""Random sequences of client calls, worker runs, time and failures for both kinds of transfers."""

import asyncio
from collections.abc import Coroutine
from hashlib import sha256
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from pack_world import slice_of, wish
from upload_world import MakeWorld

from docstore_contents.packs import index_bytes, pack_of
from docstore_platform.errors import DomainError
from docstore_upload.lifecycle.rules import ENDED, MAY_BECOME
from docstore_upload.packs.rules import Pack
from docstore_upload.packs.validation import read_file
from docstore_upload.sessions.schemas import BatchCompleteItem, InitiateRequest

CONTENT, OTHER, SHORT = b"right", b"wrong", b"few"
EXPIRY, SWEEP = 100.0, 50.0
FINAL = {"completed", "expired", "aborted"}


class TransferInterleavings(RuleBasedStateMachine):
    """One or two transfers; each rule is one thing that may happen next."""

    def __init__(self, make_world: MakeWorld) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = make_world(
            lifetime_seconds=EXPIRY,
            multipart_lifetime_seconds=EXPIRY,
            sweep_delay_seconds=SWEEP,
            check_first_delay_seconds=10,
        )
        self.world.services.metadata.__init__()
        self.seen: dict[str, str] = {}

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run it to its end; refusals and the failures we inject are part of life."""
        try:
            return self.loop.run_until_complete(work)
        except (DomainError, RuntimeError) as error:
            return error

    @property
    def all(self) -> list[Any]:
        return sorted(
            [*self.world.uploads.stored.values(), *self.world.packs.stored.values()], key=lambda each: str(each.id)
        )

    def one(self, number: int) -> Any:
        return self.all[number % len(self.all)]

    @precondition(lambda self: len(self.all) < 2)
    @rule(method=st.sampled_from(["put", "multipart", "form"]), declared=st.booleans(), sent=st.booleans())
    def initiate(self, method: str, declared: bool, sent: bool) -> None:
        digest = sha256(CONTENT).hexdigest() if declared else None
        request = InitiateRequest(path="/a", size=len(CONTENT), method=method, sha256=digest)
        self.do(self.world.service.initiate(self.world.person, [request]))
        if sent and self.all:
            self.send(-1, CONTENT)

    @precondition(lambda self: len(self.all) < 2)
    @rule(sent=st.booleans())
    def initiate_pack(self, sent: bool) -> None:
        files = [read_file(wish(path, CONTENT)) for path in ("/a", "/b")]
        self.do(self.world.pack_service.initiate(self.world.person, files))
        if sent and self.all:
            self.send(-1, CONTENT)

    @precondition(lambda self: self.all)
    @rule(number=st.integers(0, 1), content=st.sampled_from([CONTENT] * 4 + [OTHER, SHORT]))
    def send(self, number: int, content: bytes) -> None:
        """As far as the instructions allow: in time (or begun in time), and over nothing that is there."""
        transfer, store = self.one(number), self.world.store
        if (self.world.now - transfer.usable_until).total_seconds() >= SWEEP:
            return
        if isinstance(transfer, Pack):
            store.objects.setdefault(transfer.object_key, CONTENT + content + index_bytes(transfer.slices()))
        elif transfer.method == "put":
            store.objects.setdefault(transfer.sent_key, content)
        elif transfer.method == "form":
            store.objects[transfer.sent_key] = content
        elif transfer.multipart_id in store.multiparts:
            store.multiparts[transfer.multipart_id][1] = content

    async def completing(self, transfer: Any) -> None:
        if isinstance(transfer, Pack):
            await self.world.pack_service.complete(self.world.person, transfer.id)
        else:
            await self.world.service.complete(self.world.person, [BatchCompleteItem(id=transfer.id)])

    @precondition(lambda self: self.all)
    @rule(number=st.integers(0, 1))
    def complete(self, number: int) -> None:
        self.do(self.completing(self.one(number)))

    @precondition(lambda self: self.all)
    @rule()
    def complete_all_at_once(self) -> None:
        async def twice() -> None:
            await asyncio.gather(*(self.completing(each) for each in self.all * 2), return_exceptions=True)

        self.do(twice())

    @precondition(lambda self: self.all)
    @rule(number=st.integers(0, 1))
    def abort(self, number: int) -> None:
        transfer = self.one(number)
        service = self.world.pack_service if isinstance(transfer, Pack) else self.world.service
        self.do(service.abort(self.world.person, transfer.id))

    @rule(seconds=st.sampled_from([1, 11, 60, 101]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule()
    def worker_looks(self) -> None:
        self.do(self.world.worker.run_once())
        self.do(self.world.pack_worker.run_once())

    @precondition(lambda self: self.all)
    @rule(number=st.integers(0, 1))
    def complete_and_die_after_the_commit(self, number: int) -> None:
        metadata = self.world.services.metadata
        metadata.crash_after_commit = True
        self.complete(number)
        metadata.crash_after_commit = False

    @rule(down=st.sampled_from(["nothing", "nothing", "nothing", "metadata", "store", "transactions"]))
    def outage(self, down: str) -> None:
        self.world.services.metadata.down, self.world.store.down = down == "metadata", down == "store"
        self.world.transactor.down = down == "transactions"

    @invariant()
    def states_follow_the_rules(self) -> None:
        for transfer in self.all:
            before = self.seen.get(transfer.id, "initiated")
            reachable, frontier = {before}, [before]
            while frontier:
                new = set(MAY_BECOME[frontier.pop()]) - reachable  # type: ignore[index]
                reachable |= new
                frontier += new
            assert transfer.state in reachable
            self.seen[transfer.id] = transfer.state

    @invariant()
    def what_is_committed_is_stored(self) -> None:
        states = {transfer.id: transfer.state for transfer in self.all}
        for upload_id, commit in self.world.services.metadata.committed.items():
            item = commit["item"]
            assert states[upload_id.partition("-")[0]] in ("committing", "completed")
            part = pack_of(item["object_key"])
            content = self.world.store.objects[part.pack_key if part else item["object_key"]]
            content = slice_of(content, part.number) if part else content
            assert sha256(content).hexdigest() == item["sha256"]
            assert len(content) == item["size"]

    @invariant()
    def each_end_is_published_once(self) -> None:
        for transfer in self.all:
            published = [name.partition("-")[2] for name in self.world.published(transfer.id)]
            initiated = [] if transfer.initiated_event else ["initiated"]
            assert published == (["initiated", transfer.state] if transfer.state in FINAL else initiated)
            assert transfer.state not in FINAL or transfer.initiated_event is None

    def teardown(self) -> None:
        """Once everything works again and time has passed, each has ended and left nothing behind."""
        self.outage("nothing")
        for _ in range(40):
            self.world.pass_time(60)
            self.loop.run_until_complete(self.world.worker.run_once())
            self.loop.run_until_complete(self.world.pack_worker.run_once())
        self.loop.run_until_complete(self.world.drain())
        committed = self.world.services.metadata.committed
        for upload in self.world.uploads.stored.values():
            assert upload.state in FINAL
            assert upload.next_check_at is None
            assert upload.id in self.world.uploads.purged
            stored = {key for key in self.world.store.objects if key.startswith(upload.prefix)}
            assert stored == ({upload.object_key} if upload.state == "completed" else set())
            assert (upload.id in committed) == (upload.state == "completed")
            assert upload.multipart_id not in self.world.store.multiparts
        for pack in self.world.packs.stored.values():
            assert pack.state in FINAL
            assert (pack.id in self.world.packs.purged) == (pack.state in ENDED)
            assert (pack.object_key in self.world.store.objects) == (pack.state == "completed")
            in_tree = {key for key in committed if key.startswith(pack.id)}
            assert in_tree == {f"{pack.id}-{number}" for number in pack.live if pack.state == "completed"}
        self.each_end_is_published_once()
        self.loop.close()


def test_transfers_under_any_interleaving(make_world: MakeWorld) -> None:
    """In every order of events: committed means stored and published once; else bytes and reservation are gone."""
    run_state_machine_as_test(
        lambda: TransferInterleavings(make_world),
        settings=settings(max_examples=8 * settings().max_examples, stateful_step_count=20),
    )

"""Any life an upload can have: clients, the workflow, time and failures in any order."""

import asyncio
from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from docstore_platform.problems import Problem
from docstore_upload.lifecycle.rules import MAY_BECOME
from docstore_upload.sessions.schemas import BatchCompleteItem, InitiateRequest

CONTENT, OTHER, SHORT = b"right", b"wrong", b"few"
EXPIRY, SWEEP = 100.0, 50.0
FINAL = {"completed", "expired", "aborted"}


class UploadLife(RuleBasedStateMachine):
    """One or two uploads; each rule is one thing that may happen next."""

    def __init__(self, make_world: Callable[..., Any]) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = make_world(
            expiry_seconds=EXPIRY, multipart_expiry_seconds=EXPIRY, sweep_seconds=SWEEP, check_first_seconds=10
        )
        self.world.services.metadata.__init__()
        self.seen: dict[str, str] = {}

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run it to its end; refusals and the failures we inject are part of life."""
        try:
            return self.loop.run_until_complete(work)
        except (Problem, RuntimeError) as error:
            return error

    def upload(self, number: int) -> Any:
        uploads = sorted(self.world.uploads.sessions.values(), key=lambda upload: upload.id)
        return uploads[number % len(uploads)]

    @property
    def any(self) -> bool:
        return bool(self.world.uploads.sessions)

    @precondition(lambda self: len(self.world.uploads.sessions) < 2)
    @rule(method=st.sampled_from(["put", "multipart", "form"]), declared=st.booleans(), sent=st.booleans())
    def initiate(self, method: str, declared: bool, sent: bool) -> None:
        digest = sha256(CONTENT).hexdigest() if declared else None
        request = InitiateRequest(path="/a", size=len(CONTENT), method=method, sha256=digest)
        self.do(self.world.service.initiate(self.world.person, [request]))
        if sent and self.any:
            self.send(-1, CONTENT)

    @precondition(lambda self: self.any)
    @rule(number=st.integers(0, 1), content=st.sampled_from([CONTENT] * 4 + [OTHER, SHORT]))
    def send(self, number: int, content: bytes) -> None:
        """As far as the instructions allow: in time (or begun in time), and over nothing that is there."""
        upload, store = self.upload(number), self.world.store
        if (self.world.now - upload.usable_until).total_seconds() >= SWEEP:
            return
        if upload.method == "put":
            store.objects.setdefault(upload.sent_key, content)
        elif upload.method == "form":
            store.objects[upload.sent_key] = content
        elif upload.multipart_id in store.multiparts:
            store.multiparts[upload.multipart_id][1] = content

    @precondition(lambda self: self.any)
    @rule(number=st.integers(0, 1))
    def complete(self, number: int) -> None:
        self.do(self.world.service.complete(self.world.person, [BatchCompleteItem(id=self.upload(number).id)]))

    @precondition(lambda self: self.any)
    @rule()
    def complete_all_at_once(self) -> None:
        items = [BatchCompleteItem(id=upload_id) for upload_id in self.world.uploads.sessions]

        async def twice() -> None:
            calls = [self.world.service.complete(self.world.person, items) for _ in range(2)]
            await asyncio.gather(*calls, return_exceptions=True)

        self.do(twice())

    @precondition(lambda self: self.any)
    @rule(number=st.integers(0, 1))
    def abort(self, number: int) -> None:
        self.do(self.world.service.abort(self.world.person, self.upload(number).id))

    @rule(seconds=st.sampled_from([1, 11, 60, 101]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule()
    def workflow_looks(self) -> None:
        self.do(self.world.workflow.run_once())

    @precondition(lambda self: self.any)
    @rule(number=st.integers(0, 1))
    def complete_and_die_after_the_commit(self, number: int) -> None:
        metadata = self.world.services.metadata
        metadata.crash_after_commit = True
        self.complete(number)
        metadata.crash_after_commit = False

    @rule(down=st.sampled_from(["nothing", "nothing", "nothing", "metadata", "store"]))
    def outage(self, down: str) -> None:
        self.world.services.metadata.down, self.world.store.down = down == "metadata", down == "store"

    @invariant()
    def states_follow_the_rules(self) -> None:
        for upload in self.world.uploads.sessions.values():
            before = self.seen.get(upload.id, "initiated")
            reachable, frontier = {before}, [before]
            while frontier:
                new = set(MAY_BECOME[frontier.pop()]) - reachable  # type: ignore[index]
                reachable |= new
                frontier += new
            assert upload.state in reachable
            self.seen[upload.id] = upload.state

    @invariant()
    def what_is_committed_is_stored(self) -> None:
        for upload_id, commit in self.world.services.metadata.committed.items():
            upload = self.world.uploads.sessions[upload_id]
            assert upload.state in ("committing", "completed")
            content = self.world.store.objects[commit["item"]["object_key"]]
            assert sha256(content).hexdigest() == commit["item"]["sha256"]
            assert len(content) == commit["item"]["size"]

    @invariant()
    def it_is_said_once(self) -> None:
        for upload in self.world.uploads.sessions.values():
            said = [name.removeprefix("upload-") for name in self.world.said(upload.id)]
            assert said == (["initiated", upload.state] if upload.state in FINAL else ["initiated"])

    def teardown(self) -> None:
        """Once everything works again and time has passed, each upload has ended and left nothing behind."""
        self.outage("nothing")
        for _ in range(40):
            self.world.pass_time(60)
            self.loop.run_until_complete(self.world.workflow.run_once())
        for upload in self.world.uploads.sessions.values():
            assert upload.state in FINAL
            assert upload.next_check_at is None
            assert upload.id in self.world.uploads.purged
            stored = {key for key in self.world.store.objects if key.startswith(upload.prefix)}
            assert stored == ({upload.object_key} if upload.state == "completed" else set())
            assert (upload.id in self.world.services.metadata.committed) == (upload.state == "completed")
            assert upload.multipart_id not in self.world.store.multiparts
        self.it_is_said_once()
        self.loop.close()


def test_any_life_of_an_upload(make_world: Callable[..., Any]) -> None:
    """In every order of events: committed means stored and said once; else the bytes and the reservation are gone."""
    run_state_machine_as_test(
        lambda: UploadLife(make_world), settings=settings(max_examples=400, stateful_step_count=20)
    )

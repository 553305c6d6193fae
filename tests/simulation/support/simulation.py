"""A simulated stretch of time: clients upload, instances and servers fail, and all is compared in the end."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch

from aiokafka import TopicPartition as Log
from findings import Report, findings
from network import BROKER, DATABASE, SERVICES, Network, skew_of_current
from simulated_kafka import Broker, Group, Producer
from simulated_services import CONSUMERS, SERVICE_NAMES, CompletionRecorder, Recorder, World
from virtual_time import simulate

from docstore_platform.security.tokens import Principal
from docstore_platform.settings import InfraSettings
from docstore_upload.lifecycle.rules import ENDED
from docstore_upload.sessions.schemas import BatchCompleteItem, InitiateRequest

HOUR = 3600.0
ACCOUNTS, PATHS = 50, 20
CONTENT = b"content"


@dataclass(frozen=True)
class Plan:
    """How large a simulation is. Rates are per hour."""

    seed: int = 1
    instances: int = 14
    hours: float = 1.0
    uploads: float = 600.0
    partitions: int = 4
    outbox_interval_ms: int = 1000
    drain_hours: float = 3.0
    """Longest time in which everything must have been handled after the last fault."""
    faults: Mapping[str, float] = field(
        default_factory=lambda: {
            "crash": 6.0,
            "pause": 6.0,
            "partition": 6.0,
            "clock skew": 4.0,
            "database election": 1.0,
            "broker outage": 1.0,
            "slow broker": 1.0,
            "rebalance": 6.0,
            "redelivery": 4.0,
            "failing event": 12.0,
        }
    )
    """Of the whole, whatever the number of instances."""


def run(plan: Plan) -> Report:
    with _simulated_broker():
        return simulate(lambda rng: Simulation(plan, rng).run(), plan.seed, skew_of_current)


@contextmanager
def _simulated_broker() -> Iterator[None]:
    async def partitions_of(_: object, topics: set[str]) -> dict[str, set[int]]:
        return {topic: set(range(Producer.broker.partitions)) for topic in topics}

    with (
        patch("docstore_events.outbox.relay.AIOKafkaProducer", Producer),
        patch("docstore_events.outbox.sent_logs.AIOKafkaConsumer", LogEnds),
        patch("docstore_events.outbox.sent_logs.partitions_of", partitions_of),
    ):
        yield


class LogEnds:
    """Takes the place of the consumer by which a relay asks whether its logs are still there."""

    def __init__(self, **_: object) -> None: ...

    async def start(self) -> None:
        await Producer.broker.network.travel(BROKER)

    async def stop(self) -> None: ...

    def assign(self, logs: list[Log]) -> None: ...

    def pause(self, *logs: Log) -> None: ...

    async def end_offsets(self, logs: list[Log]) -> dict[Log, int]:
        return {log: len(Producer.broker.logs[log]) for log in logs}


class Simulation:
    """One run."""

    def __init__(self, plan: Plan, rng: random.Random) -> None:
        self.plan = plan
        self._rng = rng
        self.network = Network(rng)
        self.broker = Producer.broker = Broker(self.network, rng, plan.partitions)
        infra = InfraSettings.model_validate({"outbox_interval_ms": plan.outbox_interval_ms})
        self.world = World(rng, self.network, self.broker, infra)
        for service in CONSUMERS:
            handlers = (CompletionRecorder if service == "notify" else Recorder)(self.world).handlers()
            self.broker.groups[service] = Group(self.broker, sorted({event.topic for event in handlers}))
        self.faults: Counter[str] = Counter()
        self.ended_at: list[float] = []
        """When each fault was over."""
        self._numbers: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self) -> Report:
        end = self.plan.hours * HOUR
        for number in range(self.plan.instances):
            self._start(SERVICE_NAMES[number % len(SERVICE_NAMES)])
        watches = [asyncio.create_task(group.watch()) for group in self.broker.groups.values()]
        await asyncio.gather(
            self._often(self.plan.uploads, end, self._upload),
            *(self._often(rate, end, partial(self._fault, kind)) for kind, rate in self.plan.faults.items()),
            self._operate(end),
        )
        await asyncio.sleep(end - asyncio.get_running_loop().time())
        drained_at = await self._drain()
        for watch in watches:
            watch.cancel()
        report = findings(self, drained_at - end)
        for name in list(self.world.instances):
            self.world.kill(name)
        await asyncio.sleep(2 * HOUR)  # what they have begun ends with them
        return report

    def _start(self, service: str) -> None:
        self._numbers[service] += 1
        self.world.start(service, f"{service}-{self._numbers[service]}")

    async def _often(self, per_hour: float, end: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            pause = self._rng.expovariate(per_hour / HOUR)
            if loop.time() + pause > end:
                return
            await asyncio.sleep(pause)
            self._spawn(work())

    # --- clients ---------------------------------------------------------------------------------------------

    async def _upload(self) -> None:
        """A client begins an upload, sends its bytes and completes it; some forget one or the other."""
        rng = self._rng
        account = f"{rng.randrange(ACCOUNTS):032x}"
        principal = Principal(account, "session", "user", "laptop")
        request = InitiateRequest(path=f"/{rng.randrange(PATHS)}.txt", size=len(CONTENT), method="put")
        started = await self._patiently("initiate", (principal, [request]))
        if not isinstance(started, dict):
            return
        await asyncio.sleep(rng.expovariate(0.2))
        if rng.random() < 0.02:
            return
        await self.world.store.put(_key(account, started["id"]), CONTENT, content_type="text/plain")
        if rng.random() < 0.9:
            await self._patiently("complete", (principal, [BatchCompleteItem(id=started["id"])]))

    async def _patiently(self, path: str, body: Any) -> Any:
        for attempt in range(3):
            try:
                (answer,) = await self.world.call("upload", path, body)
                return answer
            except Exception:  # noqa: BLE001 - as a client that gets no usable response
                await asyncio.sleep(2**attempt)
        return None

    # --- faults ----------------------------------------------------------------------------------------------

    async def _fault(self, kind: str) -> None:
        self.faults[kind] += 1
        rng, loop = self._rng, asyncio.get_running_loop()
        seconds = rng.uniform(2, 90)
        instance = self.world.instances[rng.choice(list(self.world.instances))]
        if kind == "crash":
            self.world.kill(instance.name)
            await asyncio.sleep(seconds)
            self._start(instance.service)
        elif kind == "pause":
            instance.paused_until = loop.time() + seconds
            await asyncio.sleep(seconds)
        elif kind == "partition":
            server = rng.choice((DATABASE, BROKER, SERVICES))
            instance.cut_from.add(server)
            await asyncio.sleep(seconds)
            instance.cut_from.discard(server)
        elif kind == "clock skew":
            instance.skew = rng.uniform(-120, 120)
            await asyncio.sleep(10 * seconds)
            instance.skew = 0.0
        elif kind in ("database election", "broker outage"):
            server = DATABASE if kind == "database election" else BROKER
            self.network.down_until[server] = loop.time() + seconds / 4
            await asyncio.sleep(seconds / 4)
        elif kind == "slow broker":
            self.network.slowness[BROKER] = rng.uniform(20, 500)
            await asyncio.sleep(2 * seconds)
            self.network.slowness.pop(BROKER, None)
        elif kind == "failing event":
            self.world.to_fail.append(rng.choice((1, 3, 6, 12)))
        else:
            group = self.broker.groups[rng.choice(CONSUMERS)]
            group.deliver_again(rng.randrange(1, 200) if kind == "redelivery" else 0)
        self.ended_at.append(loop.time())

    # --- operation -------------------------------------------------------------------------------------------

    async def _operate(self, end: float) -> None:
        """An operator replays dead letters every half hour."""
        while asyncio.get_running_loop().time() + HOUR / 2 < end:
            await asyncio.sleep(HOUR / 2)
            await self._replay_all()

    async def _replay_all(self) -> None:
        for service in CONSUMERS:
            runtimes = [
                self.world.runtimes[name] for name, each in self.world.instances.items() if each.service == service
            ]
            if not runtimes:
                continue
            try:
                for letter in await runtimes[0].dead_letters.page("", 500):
                    await runtimes[0].replay(letter)
            except Exception:  # noqa: BLE001 - tried again the next time
                continue

    async def _drain(self) -> float:
        """Wait until everything is handled; return when that was."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.plan.drain_hours * HOUR
        while loop.time() < until:
            await asyncio.sleep(60)
            await self._replay_all()
            if not self._tasks and self._is_done():
                break
        return loop.time()

    def _is_done(self) -> bool:
        tables = self.world.server.tables
        outboxes = [table for (_, name), table in tables.items() if name == "outbox"]
        pending = any(row["state"] == "pending" for outbox in outboxes for row in outbox.rows.values())
        uploads = tables["upload", "uploads"].rows.values()
        return not pending and all(row.get("settled") or row["state"] in ENDED for row in uploads)


def _key(account: str, upload_id: str) -> str:
    """Where the signed URL of a PUT writes."""
    return f"accounts/{account}/uploads/{upload_id}/content"


def plan_of_environment() -> Plan:
    """The plan of `make simulation`: by default a day of a thousand instances."""
    instances = int(os.environ.get("SIMULATION_INSTANCES", "1000"))
    of_instances = ("crash", "pause", "partition", "clock skew")
    return Plan(
        seed=int(os.environ.get("SIMULATION_SEED", "1")),
        instances=instances,
        hours=float(os.environ.get("SIMULATION_HOURS", "24")),
        uploads=float(os.environ.get("SIMULATION_UPLOADS", "1200")),
        partitions=12,
        outbox_interval_ms=int(os.environ.get("SIMULATION_OUTBOX_INTERVAL_MS", "15000")),
        faults={
            kind: rate * max(1.0, instances / 100) if kind in of_instances else rate
            for kind, rate in Plan().faults.items()
        },
    )

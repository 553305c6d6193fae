"""What a simulation has shown, read from the databases alone: what was published, what each consumer has applied."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from itertools import pairwise
from typing import Any

from simulated_services import CONSUMERS, CompletionRecorder, Recorder

from docstore_events.envelope import header_map


@dataclass(frozen=True)
class Report:
    """Times in seconds of the simulated clock."""

    instances: int
    hours: float
    faults: str
    uploads_completed: int
    uploads_ended_otherwise: int
    uploads_unfinished: int
    events_published: int
    events_to_apply: int
    deliveries: int
    duplicates_delivered: int
    batches_appended_twice: int
    rebalances: int
    dead_letters_replayed: int
    dead_letters_left: int
    duplicates_applied: int
    lost: int
    order_broken: int
    lag_p50: float
    lag_p99: float
    lag_max: float
    recovery_p50: float
    recovery_p99: float
    recovery_max: float
    drained_after: float
    digest: str
    """Of all that was applied, in order, with its times."""

    @property
    def is_right(self) -> bool:
        """Whether each event took effect once, in order, and each upload has ended."""
        unfinished = self.uploads_unfinished + self.dead_letters_left
        return not (self.duplicates_applied or self.lost or self.order_broken or unfinished)

    def lines(self) -> list[str]:
        return [f"{each.name.replace('_', ' ')}: {getattr(self, each.name)}" for each in fields(self)]


def findings(simulation: Any, drained_after: float) -> Report:
    world, tables = simulation.world, simulation.world.server.tables
    published = _published(tables)
    replayed = left = to_apply = deliveries = duplicates = twice = lost = broken = 0
    lags: list[tuple[float, float]] = []
    """When each event was committed and applied, for each consumer."""
    digest = sha256()
    for service in CONSUMERS:
        wanted = {event.type for event in (CompletionRecorder if service == "notify" else Recorder)(world).handlers()}
        expected = {id_ for id_, (kind, _) in published.items() if kind in wanted}
        to_apply += len(expected)
        applied: Counter[str] = Counter()
        table = tables.get((service, "applied"))
        for key, row in table.rows.items() if table is not None else ():
            applied.update(id_ for id_, _ in row["applied"])
            revisions = [revision for _, revision in row["applied"]]
            broken += sum(later <= earlier for earlier, later in pairwise(revisions))
            digest.update(repr((service, key, row["applied"])).encode())
        twice += sum(count - 1 for count in applied.values())
        lost += len(expected - applied.keys())
        letters = tables[service, "dead_letters"].rows if (service, "dead_letters") in tables else {}
        replayed += sum(letter["state"] == "replayed" for letter in letters.values())
        left += sum(letter["state"] == "waiting" for letter in letters.values())
        inbox = tables[service, "inbox"].inserted_at if (service, "inbox") in tables else {}
        spans = [(published[id_][1], at) for id_, at in inbox.items() if id_ in expected and id_ not in letters]
        digest.update(repr((service, sorted(spans))).encode())
        lags += spans
        deliveries += simulation.broker.groups[service].delivered
    duplicates = deliveries - sum(len(tables[s, "inbox"].rows) for s in CONSUMERS if (s, "inbox") in tables)
    waits = sorted(applied_at - committed_at for committed_at, applied_at in lags)
    recoveries = sorted(_recoveries(lags, simulation.ended_at))
    states = Counter(row["state"] for row in tables["upload", "uploads"].rows.values())
    plan = simulation.plan
    return Report(
        instances=plan.instances,
        hours=plan.hours,
        faults=", ".join(f"{number} {kind}" for kind, number in sorted(simulation.faults.items())),
        uploads_completed=states["completed"],
        uploads_ended_otherwise=states["expired"] + states["aborted"],
        uploads_unfinished=states["initiated"] + states["uploading"] + states["committing"],
        events_published=len(published),
        events_to_apply=to_apply,
        deliveries=deliveries,
        duplicates_delivered=duplicates,
        batches_appended_twice=simulation.broker.appended_twice,
        rebalances=sum(group.rebalances for group in simulation.broker.groups.values()),
        dead_letters_replayed=replayed,
        dead_letters_left=left,
        duplicates_applied=twice,
        lost=lost,
        order_broken=broken,
        lag_p50=_share(waits, 0.5),
        lag_p99=_share(waits, 0.99),
        lag_max=_share(waits, 1.0),
        recovery_p50=_share(recoveries, 0.5),
        recovery_p99=_share(recoveries, 0.99),
        recovery_max=_share(recoveries, 1.0),
        drained_after=round(drained_after),
        digest=digest.hexdigest()[:16],
    )


def _published(tables: Any) -> dict[str, tuple[str, float]]:
    """Type and time of commit of each published event, by id; without copies of dead letters."""
    return {
        id_: (header_map(row["headers"])["ce_type"].rpartition(".")[2], table.inserted_at[id_])
        for (_, name), table in tables.items()
        if name == "outbox"
        for id_, row in table.rows.items()
        if not row["topic"].endswith(".dlq")
    }


def _recoveries(spans: Sequence[tuple[float, float]], ended_at: Sequence[float]) -> list[float]:
    """How long after each fault the last event was applied that had been committed before the fault's end."""
    by_commit, latest, position, found = sorted(spans), 0.0, 0, []
    for end in sorted(ended_at):
        while position < len(by_commit) and by_commit[position][0] <= end:
            latest = max(latest, by_commit[position][1])
            position += 1
        found.append(max(0.0, latest - end))
    return found


def _share(values: Sequence[float], share: float) -> float:
    return round(values[min(int(len(values) * share), len(values) - 1)], 2) if values else 0.0

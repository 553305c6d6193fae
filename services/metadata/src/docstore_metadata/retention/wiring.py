"""Builds retention: its policies, and the sweeping of what is past them."""

from docstore_metadata.retention.repository import MongoRetentionRoots
from docstore_metadata.retention.service import RetentionService
from docstore_metadata.retention.worker import RetentionSweeper
from docstore_metadata.storage import Core
from docstore_work.leader_lease import LeaderLease
from docstore_work.loop import Loop


class Retention:
    """Retention by the settings' bounds; one instance sweeps."""

    def __init__(self, core: Core) -> None:
        settings, store, tree, transactor = core.settings, core.store, core.plain_tree, core.transactor
        bounds = settings.retention
        roots = MongoRetentionRoots(core.database["nodes"], bounds)
        self.create_indexes = roots.create_indexes
        self.service = RetentionService(roots, tree, transactor, bounds, clock=core.clock)
        self.leader = LeaderLease(core.database["leases"], "retention", seconds=settings.job_lease_seconds)
        sweeper = RetentionSweeper(
            store, tree, transactor, roots, bounds, self.leader, now=core.earlier_now, clock=core.clock
        )
        interval = settings.retention_interval_seconds
        self.loops = [Loop.sweeping("metadata retention", sweeper.sweep, interval)] if interval else []

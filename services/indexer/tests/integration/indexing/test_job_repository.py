"""What the queue of longer work costs once very many accounts have changed their plan."""

import pytest
from profiled import reads_of

from docstore_indexer.indexing.job_repository import Jobs
from docstore_platform.mongodb.client import Mongo
from docstore_platform.settings import InfraSettings

pytestmark = pytest.mark.connected


async def test_asking_for_open_jobs_reads_no_ended_ones(infra: InfraSettings) -> None:
    """Every final check of an upload asks this: it must not cost more with every plan that was ever changed."""
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    database = mongo.database(f"{infra.database_prefix}indexer")
    jobs = Jobs(database, lease_seconds=60)
    await jobs.create_indexes()
    ended = {"kind": "plan", "due_at": None, "event_ids": [], "lease": None}
    await database["jobs"].insert_many([{"_id": f"plan:{number}", **ended} for number in range(200)])
    await jobs.request("plan:anna", "plan", event_ids=["e1"])
    async with reads_of(database, "jobs") as reads:
        assert await jobs.pending_events({"e1", "e2"}) == {"e1"}
    assert reads.documents == [1]
    mongo.close()

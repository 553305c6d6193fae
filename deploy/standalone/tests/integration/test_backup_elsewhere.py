"""Backups of servers elsewhere, as the chart's jobs take them: by the command, its settings and rights."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from backup_places import CONTENTS, NewPlace, Place
from yarl import URL

from docstore_standalone.servers import Servers

pytestmark = pytest.mark.connected

ROLE = json.loads((Path(__file__).parents[3] / "policies/mongo/backup-role.json").read_text())


@pytest.fixture
async def backup_url(place: Place, servers: Servers) -> str:
    """Address of the database for a user with the shipped role and nothing else."""
    admin = place.mongo.database("admin")
    await admin.command("createRole", ROLE["role"], privileges=ROLE["privileges"], roles=ROLE["roles"])
    await admin.command("createUser", "backup", pwd="secret", roles=[ROLE["role"]])
    url = URL(servers.mongo_url).with_user("backup").with_password("secret")
    return str(url.with_path("/").update_query(authSource="admin"))


async def docstore(*arguments: str, environment: dict[str, str]) -> str:
    """Run `docstore backup`; return its output."""
    program = (sys.executable, "-m", "docstore_cli", "backup")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DOCSTORE_", "AWS_"))}
    process = await asyncio.create_subprocess_exec(
        *program, *arguments, env=own | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def test_the_jobs_of_the_chart_back_up_servers_elsewhere(
    place: Place, new_place: NewPlace, backup_url: str
) -> None:
    """Database, store and bucket by variables, without a data folder: taken, verified, and the oplog archived.

    The shipped role suffices in MongoDB. The keys of both buckets are the AWS environment's, as with a pod's role.
    """
    s3, bucket = place.deployment.s3, (await new_place()).deployment.s3
    keys = {
        "AWS_REGION": s3.region,
        "AWS_ACCESS_KEY_ID": s3.access_key_id,
        "AWS_SECRET_ACCESS_KEY": s3.secret_access_key,
    }
    settings = {
        "DOCSTORE_REGION": s3.region,
        "DOCSTORE_KAFKA_BOOTSTRAP": "kafka:9092",
        "DOCSTORE_DATABASE_PREFIX": place.deployment.database_prefix,
        "DOCSTORE_MONGO_URL": backup_url,
        "DOCSTORE_S3_ENDPOINT": s3.endpoint,
        "DOCSTORE_S3_BUCKET": s3.bucket,
    }
    target = (f"s3://{bucket.bucket}/docstore", "--endpoint", bucket.endpoint)
    taken = json.loads(await docstore("take", *target, "--keep-daily", "7", "--json", environment=keys | settings))
    assert taken["contents"] == len(CONTENTS)
    archived = json.loads(await docstore("oplog", *target, "--once", "--json", environment=keys | settings))
    assert archived["until"]
    verified = json.loads(await docstore("verify", *target, "--json", environment=keys))
    assert (verified["name"], verified["differences"]) == (taken["name"], [])
    assert verified["documents"] == taken["documents"]

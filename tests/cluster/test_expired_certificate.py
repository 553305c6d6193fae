"""MongoDB's certificate expires under a running release, and is renewed."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from busy_release import somebody_works
from cluster import Cluster
from installed_chart import CERTIFICATES, PATIENCE, RELEASE, Installed, Place, prepared_release
from server_certificates import DAY, ServerCertificate

from docstore_platform.testing import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(0)]

PLACE = Place("expiring", "data-expiring", gateway_port=30084, store_port=30337, encrypted=True)
AUTHORITY = "mongo-ca"
RESTARTED = f"deployment/{RELEASE}-metadata"
SHORT = timedelta(seconds=45)
PATIENCE_SECONDS = 600


def restart_mongo(release: Installed) -> None:
    """Have it read its certificate; return when it answers again."""
    servers = ("--namespace", release.place.servers, "rollout")
    release.kubectl(*servers, "restart", "deployment/mongo-1")
    release.kubectl(*servers, "status", "deployment/mongo-1", f"--timeout={PATIENCE}")


async def test_an_expired_certificate_loses_nothing(two_nodes: Cluster, tmp_path: Path) -> None:
    """New pods wait for a renewed one, and their log says why; running ones go on. Then nobody restarts a service."""
    certificate = ServerCertificate(tmp_path / CERTIFICATES, *PLACE.mongo_hosts)
    with prepared_release(two_nodes, PLACE, tmp_path) as release:
        release.write_secret(AUTHORITY, {"ca.crt": certificate.authority_file.read_text()})
        release.upgrade("--set", f"certificateAuthorities.mongo={AUTHORITY}")

        async def says_that_it_expired() -> bool:
            own = (
                "--namespace",
                PLACE.namespace,
                "logs",
                "--selector=app.kubernetes.io/component=metadata",
                "--tail=-1",
            )
            return "certificate has expired" in (await asyncio.to_thread(release.cluster.plane.kubectl, *own)).output

        async with somebody_works(release, seed=8):
            certificate.renew(SHORT)
            await asyncio.to_thread(restart_mongo, release)

            async def expired() -> bool:
                return certificate.expired

            await eventually(expired, seconds=PATIENCE_SECONDS)
            await asyncio.to_thread(release.kubectl, "rollout", "restart", RESTARTED)
            await eventually(says_that_it_expired, seconds=PATIENCE_SECONDS, every=2)
            certificate.renew(DAY)
            await asyncio.to_thread(restart_mongo, release)
            await asyncio.to_thread(release.rolled_out)

"""Readiness of the whole."""

from collections.abc import Mapping

import pytest

from docstore_gateway.admin.readiness import ServicesReady
from docstore_platform.service.client import HttpResponse


class Instances:
    """A service behind a balancer: each question reaches the next of its instances."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)

    async def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        return HttpResponse(self._statuses.pop(0), {}, b"")

    async def close(self) -> None:
        return None


async def test_one_instance_that_leaves_is_not_the_service() -> None:
    """A service that is not ready is probed again, since another instance may respond; twice not ready is not ready."""
    await ServicesReady({"quota": Instances(503, 200)}).check("quota")()
    with pytest.raises(RuntimeError):
        await ServicesReady({"quota": Instances(503, 503)}).check("quota")()

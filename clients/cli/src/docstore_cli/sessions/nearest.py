"""Chooses among regions by the round trip from this machine."""

from dataclasses import dataclass

from docstore_client import AsyncClient
from docstore_client.models import Region
from docstore_client.network.latency import latencies


@dataclass(frozen=True, slots=True)
class MeasuredRegion:
    """A region; `latency_ms` is None if it can't be reached from here."""

    region: Region
    latency_ms: float | None


async def measured_regions(server: str) -> list[MeasuredRegion]:
    """All regions of a server's DocStore, the nearest first."""
    async with AsyncClient(server) as docstore:
        regions = await docstore.regions()
    measured = await latencies(region.url for region in regions)
    found = [MeasuredRegion(region, _milliseconds(measured[region.url])) for region in regions]
    return sorted(found, key=lambda each: float("inf") if each.latency_ms is None else each.latency_ms)


async def nearest(server: str) -> str:
    """Address of the nearest region; the server itself if none responds. From https it never leads to http."""
    schemes = ("https://",) if server.startswith("https://") else ("https://", "http://")
    found = [each for each in await measured_regions(server) if each.region.url.startswith(schemes)]
    return found[0].region.url if found and found[0].latency_ms is not None else server


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)

"""Metrics of media beside those of every service."""

from prometheus_client import Gauge, Histogram

SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

pending_renditions = Gauge("docstore_media_pending_renditions", "Contents waiting for their previews")
rendering_seconds = Histogram(
    "docstore_media_rendering_seconds",
    "Time to download a content and render its previews",
    ["kind", "outcome"],
    buckets=SLOW,
)
variant_seconds = Histogram(
    "docstore_media_variant_seconds",
    "Time to download a content and render a variant that a reader asked for",
    ["kind", "outcome"],
    buckets=SLOW,
)

"""Metrics of quota beside those of every service."""

from prometheus_client import Counter, Gauge

drift_bytes = Gauge("docstore_quota_drift_bytes", "Sum of confirmed differences between counted and stored bytes")
refused_uploads = Counter("docstore_quota_refused_total", "Uploads refused for lack of space")
expired_reservations = Counter(
    "docstore_quota_reservations_expired_total", "Reservations that expired without an event"
)

"""Metrics only quota has."""

from prometheus_client import Counter, Gauge

drift_bytes = Gauge("docstore_quota_drift_bytes", "Confirmed differences between counted and stored bytes, added up")
refused_uploads = Counter("docstore_quota_refused_total", "Uploads refused for want of space")
expired_reservations = Counter("docstore_quota_reservations_expired_total", "Reservations no event has ended")

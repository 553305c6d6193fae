"""Metrics of analytics beside those of every service."""

from prometheus_client import Gauge

archive_waiting_events = Gauge("docstore_archive_waiting_events", "Events that are not in the archive yet")
archive_oldest_seconds = Gauge(
    "docstore_archive_oldest_seconds", "Age of the oldest event that is not in the archive yet"
)
audit_entries = Gauge("docstore_audit_entries", "Entries of the audit log")
audit_contradicted = Gauge("docstore_audit_contradicted", "1 while the audit log contradicts its last anchor in S3")
audit_unsealed_entries = Gauge("docstore_audit_unsealed_entries", "Audit entries not sealed in the object store yet")

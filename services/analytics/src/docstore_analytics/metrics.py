"""Metrics only analytics has."""

from prometheus_client import Gauge

archive_waiting_events = Gauge("docstore_archive_waiting_events", "Events that are not in the archive's Parquet yet")
archive_oldest_seconds = Gauge("docstore_archive_oldest_seconds", "How long the oldest of them has waited")
audit_entries = Gauge("docstore_audit_entries", "Entries of the audit log")
audit_contradicted = Gauge("docstore_audit_contradicted", "1 while the audit log contradicts its last anchor in S3")
audit_unsealed_entries = Gauge("docstore_audit_unsealed_entries", "Entries that are not sealed in the object store yet")

"""Metrics of the gateway beside those of every service."""

from prometheus_client import Counter, Gauge

calls_lost = Counter("docstore_audit_calls_lost_total", "Calls missing in the audit log")
backup_succeeded_seconds = Gauge(
    "docstore_backup_succeeded_timestamp_seconds", "When the last complete scheduled backup began; 0: never"
)
backup_failures = Gauge("docstore_backup_failures", "Failures of scheduled backups since the last complete one")

"""Metrics of the gateway beside those of every service."""

from prometheus_client import Counter

calls_lost = Counter("docstore_audit_calls_lost_total", "Calls missing in the audit log")

"""Metrics only the gateway has."""

from prometheus_client import Counter

calls_lost = Counter("docstore_audit_calls_lost_total", "Calls that were never told to the audit log")

"""Operators' routes: health, logs, events, dead letters and backups of all services."""

"""Retention of trash and old versions."""

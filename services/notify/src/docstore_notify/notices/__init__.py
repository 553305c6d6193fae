"""Decides whom to notify of an event."""

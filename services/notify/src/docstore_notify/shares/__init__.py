"""Shares as last notified, so that a change is recognized."""

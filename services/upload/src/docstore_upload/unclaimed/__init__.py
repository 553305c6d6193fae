"""Bytes in the store that nobody is charged for: bounded, counted and deleted."""

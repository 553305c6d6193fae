"""Snapshot and compare, for clients that have lost track of the changes."""

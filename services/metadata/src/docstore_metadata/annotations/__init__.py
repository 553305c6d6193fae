"""Locks and properties that WebDAV clients set."""

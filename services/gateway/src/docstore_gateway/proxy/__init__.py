"""Forwards requests to services and to the object store."""

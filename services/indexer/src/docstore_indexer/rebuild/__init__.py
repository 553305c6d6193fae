"""Rebuilds the index from metadata."""

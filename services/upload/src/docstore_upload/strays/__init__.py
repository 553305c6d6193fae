"""Strays: objects in the store that no record refers to."""

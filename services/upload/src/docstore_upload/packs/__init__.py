"""Packs: many small files sent as one object."""

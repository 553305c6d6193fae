"""Consistency checks of transfers, blocks and packs against the object store."""

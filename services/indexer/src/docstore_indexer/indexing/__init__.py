"""Brings the index up to date with files: from events to indexed texts."""

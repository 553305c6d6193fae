"""The change feed of each account."""

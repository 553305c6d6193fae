"""The object store and what clients are given to reach it."""

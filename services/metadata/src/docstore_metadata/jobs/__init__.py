"""Walks through folders in the background."""

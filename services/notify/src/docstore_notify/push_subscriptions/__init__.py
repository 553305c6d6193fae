"""Browsers that get push messages."""

"""Commits: uploaded contents become versions of files."""

"""Commits: uploads become versions of files."""

"""The versions of a file."""

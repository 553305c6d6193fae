"""The folders that a file or folder is in."""

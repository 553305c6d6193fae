"""The local folder: scanned, watched, and changed without overwriting newer files."""

"""What uploads and downloads need: local files, comparison, progress."""

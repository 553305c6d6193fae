"""Activity of people on a file or folder."""

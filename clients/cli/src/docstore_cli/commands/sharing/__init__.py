"""Commands that share files, and follow what changes."""

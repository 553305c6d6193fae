"""The databases in a backup: their dump, the log of changes after it, and how both are restored."""

"""The broker of a stack, and the retention of its log."""

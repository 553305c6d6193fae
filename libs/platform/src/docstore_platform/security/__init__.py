"""Proof of who calls, and limits on guessing."""

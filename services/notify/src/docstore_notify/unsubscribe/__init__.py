"""Unsubscribing from e-mails without a log-in."""

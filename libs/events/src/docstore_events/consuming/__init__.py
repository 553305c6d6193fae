"""Consuming: each event takes effect once; what can't be handled becomes a dead letter."""

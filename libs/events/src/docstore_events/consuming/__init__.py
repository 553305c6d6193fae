"""Consuming: each event takes effect once, and what cannot be handled becomes a dead letter."""

"""Publishing: the relay sends outbox rows to the broker in the order of their aggregates."""

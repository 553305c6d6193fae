"""Publishing: outbox rows are sent to the broker in the order of their aggregates."""

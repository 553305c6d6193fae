"""Background work: queues of documents claimed under a lease, loops that work on them, wake-ups, backoff."""

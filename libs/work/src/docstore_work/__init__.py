"""Background work: queues of documents claimed under a lease, loops, wake-ups, backoff."""
